// Run once by the image of MongoDB over an empty data folder: for each service an account that reaches its own database.
const { readFileSync } = require("fs");

for (const service of ["records", "scheduling", "billing", "referrals", "notifications"]) {
  const name = `carelog_${service}`;
  db.getSiblingDB(name).createUser({
    user: name,
    pwd: readFileSync(`/run/carelog/${service}`, "utf8"),
    roles: [{ role: "readWrite", db: name }],
  });
}
