"""The Kubernetes manifests: valid by their schema, with as few rights as they need, and complete for five services."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from shared.contracts.catalogue import SERVICES
from shared.runtime.bus.feeds import addresses
from shared.runtime.main import Role
from tests.deploy.tree import manifests, service

FOLDERS = ("base", "overlays/development")
ROLES = ("api", "relay", "worker")
PODS = [f"{name}-{role}" for name in SERVICES for role in ROLES]
VERSION = "1.33"
"""the oldest Kubernetes that these manifests are meant for"""


@pytest.fixture(scope="module", params=FOLDERS)
def built(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return manifests(request.param)


def of_kind(built: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in built if one["kind"] == kind}


def pod(deployment: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


def containers(built: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for deployment in of_kind(built, "Deployment").values():
        assert "initContainers" not in pod(deployment)
        yield from pod(deployment)["containers"]


def is_chosen(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses what has these labels."""
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def allowed_out(built: list[dict[str, Any]], deployment: str) -> set[tuple[str, int]]:
    """The namespaces and ports that a Deployment's pods may talk to."""
    labels = of_kind(built, "Deployment")[deployment]["spec"]["template"]["metadata"]["labels"]
    policies = of_kind(built, "NetworkPolicy").values()
    return {
        (_named(peer), port["port"])
        for policy in policies
        if is_chosen(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get("egress", ())
        for peer in rule["to"]
        for port in rule["ports"]
    }


def _named(peer: Mapping[str, Any]) -> str:
    """A namespace, or those of our own pods that may be talked to."""
    if "namespaceSelector" in peer:
        return str(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
    return str(peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"])


def test_every_manifest_is_valid_by_its_schema(built: list[dict[str, Any]]) -> None:
    for one in built:
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_there_is_a_deployment_for_each_role_of_each_service(built: list[dict[str, Any]]) -> None:
    assert set(ROLES) == set(get_args(Role)) - {"all"}
    assert set(of_kind(built, "Deployment")) == set(PODS)
    assert set(of_kind(built, "Service")) == {f"{name}-api" for name in SERVICES}
    assert set(of_kind(built, "PodDisruptionBudget")) == {f"{name}-api" for name in SERVICES}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_its_service_in_its_role(built: list[dict[str, Any]], name: str) -> None:
    deployment = of_kind(built, "Deployment")[name]
    [container] = pod(deployment)["containers"]
    assert container["args"] == ["services.$(CARELOG_SERVICE)", name.partition("-")[2]]
    settings = settings_of(built, name.partition("-")[0])
    assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    assert settings["data"]["CARELOG_SERVICE"] == name.partition("-")[0]


def test_no_container_can_do_more_than_it_must(built: list[dict[str, Any]]) -> None:
    for container in containers(built):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_no_pod_is_root_or_knows_the_cluster(built: list[dict[str, Any]]) -> None:
    accounts = of_kind(built, "ServiceAccount")
    for deployment in of_kind(built, "Deployment").values():
        security = pod(deployment)["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod(deployment)["automountServiceAccountToken"] is False
        assert accounts[pod(deployment)["serviceAccountName"]]["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod(deployment).keys()
        assert all(volume.keys() & {"secret", "emptyDir"} for volume in pod(deployment)["volumes"])


def test_every_container_has_limits_probes_and_a_pinned_image(built: list[dict[str, Any]]) -> None:
    for container in containers(built):
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys() & container["resources"]["limits"].keys()
        assert container["startupProbe"]["httpGet"]["path"] == "/health/live"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert container["image"].rpartition(":")[2] not in ("", "latest", "carelog")


def test_pods_spread_and_end_in_peace(built: list[dict[str, Any]]) -> None:
    for deployment in of_kind(built, "Deployment").values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        [spread] = pod(deployment)["topologySpreadConstraints"]
        assert is_chosen(spread["labelSelector"], labels)
        assert set(spread["matchLabelKeys"]) >= {"app.kubernetes.io/component"}
        assert pod(deployment)["terminationGracePeriodSeconds"] >= 20


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget"])
def test_doors_and_budgets_choose_their_own_api_pods_alone(built: list[dict[str, Any]], kind: str) -> None:
    for name, one in of_kind(built, kind).items():
        selector = one["spec"]["selector"]
        chosen = {
            deployment
            for deployment, found in of_kind(built, "Deployment").items()
            if is_chosen(
                {"matchLabels": selector} if kind == "Service" else selector,
                found["spec"]["template"]["metadata"]["labels"],
            )
        }
        assert chosen == {name}


def settings_of(built: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = [one for key, one in of_kind(built, "ConfigMap").items() if key.startswith(f"{name}-settings")]
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_settings_and_secrets_are_enough_to_start(
    built: list[dict[str, Any]], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for field in service(name).settings.model_fields:
        monkeypatch.delenv(f"CARELOG_{field.upper()}", raising=False)
    for variable, value in settings_of(built, name)["data"].items():
        monkeypatch.setenv(variable, value)
    for secret in ("carelog_postgres", "carelog_documents"):
        (tmp_path / secret).write_text("elsewhere", "utf-8")
    monkeypatch.setenv("CARELOG_SECRETS", str(tmp_path))
    settings = service(name).settings.read()
    assert settings.port == 8080
    assert addresses(settings.feeds) == {other: f"http://{other}-api" for other in SERVICES}
    assert Path(settings.feed_token_file).parent == Path(settings_of(built, name)["data"]["CARELOG_SECRETS"])
    assert not {"CARELOG_POSTGRES", "CARELOG_DOCUMENTS"} & settings_of(built, name)["data"].keys()


def test_secrets_are_named_and_never_written_down(built: list[dict[str, Any]]) -> None:
    assert not of_kind(built, "Secret")
    for name in PODS:
        [secret] = [one["secret"] for one in pod(of_kind(built, "Deployment")[name])["volumes"] if "secret" in one]
        assert secret["secretName"] == f"{name.partition('-')[0]}-secrets"


def test_nothing_goes_in_or_out_that_is_not_named(built: list[dict[str, Any]]) -> None:
    assert of_kind(built, "NetworkPolicy")["nothing-by-default"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    ingress = {name for name, one in of_kind(built, "NetworkPolicy").items() if "ingress" in one["spec"]}
    assert ingress == {"doors", "feeds", "metrics"}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_reaches_what_its_role_needs_and_nothing_else(built: list[dict[str, Any]], name: str) -> None:
    needed = {("kube-system", 53), ("postgres", 5432), ("mongodb", 27017)}
    needed |= {("issuer", 443)} if name.endswith("-api") else {("kafka", 9092)}
    needed |= {("api", 8080)} if name.endswith("-worker") else set()
    needed |= {("mail", 587)} if name == "notifications-worker" else set()
    assert allowed_out(built, name) == needed


def test_the_development_namespace_admits_restricted_pods_alone() -> None:
    [namespace] = [one for one in manifests("overlays/development") if one["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    deployments = of_kind(manifests("overlays/development"), "Deployment").values()
    assert {one["metadata"]["namespace"] for one in deployments} == {namespace["metadata"]["name"]}
    assert {one["spec"]["replicas"] for one in deployments} == {1}
