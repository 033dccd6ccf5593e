"""What referrals decides: `referral` asks `loop`, the table of who may do what from where."""
