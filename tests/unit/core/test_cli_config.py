"""``stratolith config``: show, sample, validate, diff."""

import configparser


def written(tmp_path, text):
    file = tmp_path / "stratolith.conf"
    file.write_text(text)
    return file


def parsed(out):
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(out)
    return found


def test_show_is_a_file_with_all_options(run, tmp_path):
    status, out, _ = run("config", "show", "--config", written(tmp_path, "[cloud]\nregion = Mars\n"))
    found = parsed(out)
    assert status == 0
    assert found["cloud"]["region"] == "Mars"
    assert {"http", "log", "database", "compute", "hypervisors.simulated", "bus.kombu"} <= set(found.sections())


def test_show_can_be_read_again(run, tmp_path):
    status, out, _ = run("config", "show")
    again = run("config", "diff", "--config", written(tmp_path, out.replace("***", "")))
    assert (status, again[0]) == (0, 0)
    assert "[cloud]" not in again[1]


def test_diff_shows_what_differs(run, tmp_path, monkeypatch):
    monkeypatch.setenv("STRATOLITH_CLOUD_HOST", "moon")
    file = written(tmp_path, "[cloud]\nregion = Mars\nbus = local\n")
    status, out, _ = run("config", "diff", "--config", file, "--hypervisors-simulated-vcpus", "7")
    assert status == 0
    found = parsed(out)
    assert dict(found["cloud"]) == {"region": "Mars", "host": "moon"}
    assert dict(found["hypervisors.simulated"]) == {"vcpus": "7"}
    assert set(found.sections()) == {"cloud", "hypervisors.simulated"}


def test_secrets_are_not_printed(run, tmp_path):
    file = written(tmp_path, "[database]\nurl = postgresql://u:hidden@h/d\n[bus.kombu]\nurl = amqp://u:hidden@h//\n")
    for action in ("show", "diff"):
        status, out, _ = run("config", action, "--config", file)
        assert status == 0
        assert "hidden" not in out
        assert "url = ***" in out


def test_sample_is_all_commented(run, tmp_path):
    status, out, _ = run("config", "sample")
    assert status == 0
    assert all(not line or line[0] in "#[" for line in out.splitlines())
    status, shown, _ = run("config", "diff", "--config", written(tmp_path, out))
    assert (status, shown.strip()) == (0, "")


def test_validate(run, tmp_path):
    status, out, _ = run("config", "validate", "--config", written(tmp_path, "[compute]\nhypervisor = simulated\n"))
    assert (status, out) == (0, "The configuration is right.\n")


def test_mistakes_name_the_nearest(run, tmp_path):
    for text, word in (("[cloud]\nregoin = x\n", "region"), ("[clouds]\nregion = x\n", "cloud"),
                       ("[hypervisors.simulated]\nvcpus = many\n", "vcpus")):
        status, out, err = run("config", "validate", "--config", written(tmp_path, text))
        assert (status, out) == (1, "")
        assert word in err
        assert err.count("\n") == 1


def test_no_such_file(run, tmp_path):
    status, _, err = run("config", "show", "--config", tmp_path / "none.conf")
    assert status == 1
    assert "none.conf" in err
