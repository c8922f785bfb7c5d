"""The same sweep on a Dask cluster: the same tasks, the same bytes."""

import gc
import os
import signal
import subprocess
import sys

import pytest
from test_sweep_store import bytes_in, made

import mtorsim as mt
from mtorsim.errors import InputError, MtorsimError
from mtorsim.sweeps import axis, carry_out, cluster, plan

pytest.importorskip("distributed")

pytestmark = [
    # What Dask and its event loop warn of is not ours.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def local(workers):
    """Return a cluster of processes as they would run on other machines."""
    from distributed import LocalCluster

    return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")


@pytest.fixture(autouse=True)
def tidy():
    """Let go of clients now: one that is found while another begins makes it wait in vain."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def address():
    with local(2) as one:
        yield one.scheduler_address


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "here"
    carry_out(made(), folder)
    return bytes_in(folder)


def test_a_cluster_gives_the_same_bytes(reference, address, tmp_path):
    said = []
    carry_out(made(), tmp_path / "x", dask=address, progress=lambda *one: said.append(one))
    assert bytes_in(tmp_path / "x") == reference
    assert said[-1] == (24, 24)


def test_a_sweep_begun_here_goes_on_there(reference, address, tmp_path, monkeypatch):
    class Stop(BaseException):
        pass

    def stop(done, count):
        if done == 9:
            raise Stop

    with pytest.raises(Stop):
        carry_out(made(), tmp_path / "x", progress=stop)
    carry_out(made(), tmp_path / "x", dask=address, resume=True)
    assert bytes_in(tmp_path / "x") == reference


def test_what_a_worker_of_a_cluster_refuses_arrives(address, monkeypatch):
    one = made()
    monkeypatch.setitem(one.__dict__, "hash", "0" * 64)  # as with other models there
    with pytest.raises(InputError, match="a worker of the cluster has other models or versions"):
        list(cluster.run(one, [0, 1], address))


def test_a_worker_of_a_cluster_that_dies_takes_nothing_along(reference, address, tmp_path):
    from distributed import Client

    with Client(address) as client:
        pids = list(client.run(os.getpid).values())
        killed = []

        def kill(done, count):
            if done == 6 and not killed:
                killed.append(pids[0])
                os.kill(pids[0], signal.SIGKILL)  # its nanny starts another

        carry_out(made(), tmp_path / "x", dask=address, progress=kill)
        assert killed
        client.wait_for_workers(2, timeout=60)
    assert bytes_in(tmp_path / "x") == reference


def test_a_cluster_that_is_lost_is_an_error(monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", "2s")  # also until a lost scheduler is given up
    long = plan(
        mt.Scenario(drugs={"temsirolimus": "20 nM"}, observe=["S6K1_pT389"]),
        [axis("drugs.temsirolimus.dose", mt.logspace("1 nM", "9 nM", 3200))],
        read="end",
    )
    with local(1) as one:
        finished = cluster.run(long, range(long.chunk_count), one.scheduler_address)
        next(finished)
        one.close()
        with pytest.raises(MtorsimError, match=r"--dask .*Finished chunks are kept"):
            list(finished)


@pytest.mark.parametrize("nowhere", ["127.0.0.1:9", "nowhere", "tcp://"])
def test_no_cluster_is_an_input_error_and_begins_no_folder(monkeypatch, tmp_path, nowhere):
    monkeypatch.setattr(cluster, "_PATIENCE", "500ms")
    with pytest.raises(InputError, match=f"--dask '{nowhere}': no scheduler answers"):
        carry_out(made(), tmp_path / "x", dask=nowhere)
    assert not (tmp_path / "x").exists()


def test_what_is_no_address_leaves_no_noise():
    # Dask itself writes a traceback of its own when it tidies up after such an address.
    code = "from mtorsim.sweeps import cluster; cluster.check('nowhere')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.splitlines()[-1].startswith("mtorsim.errors.InputError: --dask 'nowhere'")


def test_without_dask_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"not installed\. pip install 'mtorsim\[cluster\]'"):
        carry_out(made(), dask="127.0.0.1:8786")
