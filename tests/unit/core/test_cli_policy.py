"""``stratolith policy``: list, sample, explain."""

import yaml

RULE = "os_compute_api:servers:create"


def test_list_by_beginning(run):
    status, out, _ = run("policy", "list", "os_compute_api:servers:")
    assert status == 0
    lines = out.splitlines()
    assert len(lines) > 10
    assert lines == sorted(lines)
    assert all(line.startswith("os_compute_api:servers:") for line in lines)


def test_sample_names_each_rule_with_a_sentence(run):
    status, out, _ = run("policy", "sample")
    assert status == 0
    listed = run("policy", "list")[1].splitlines()
    assert out.count("\n#\"") == len(listed)
    assert yaml.safe_load("\n".join(line[1:] for line in out.splitlines() if line.startswith('#"'))).keys() == {
        line.split(": ")[0] for line in listed}


def test_explain_allows(run):
    status, out, _ = run("policy", "explain", RULE, "--role", "member", "--project", "p", "--target", "project_id=p")
    assert status == 0
    assert RULE in out


def test_explain_denies_and_says_why(run):
    for words in (("--role", "reader", "--project", "p"), ("--role", "member", "--project", "q"), ()):
        status, out, _ = run("policy", "explain", RULE, *words, "--target", "project_id=p")
        assert status == 1
        assert RULE in out


def test_a_file_wins(run, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(f'"{RULE}": "role:reader"\n')
    words = ("--role", "reader", "--project", "p", "--target", "project_id=p", "--file", file)
    assert run("policy", "explain", RULE, *words)[0] == 0
    assert f"{RULE}: role:reader\n" in run("policy", "list", "--file", file)[1]


def test_a_rule_nobody_declared_is_denied(run):
    status, _, _ = run("policy", "explain", "no:such:rule", "--role", "admin")
    assert status == 1


def test_a_broken_file(run, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(f'"{RULE}": "role:reader and or"\n')
    status, out, err = run("policy", "list", "--file", file)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
