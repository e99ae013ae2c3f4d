"""Who belongs to a bot, decided from lists of processes that no machine has to have."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from goflat.guard.processes import KernelState, Process, ProcessId
from goflat.guard.trees import Lineage, Mark, members

BOOT = "boot"
MARK = Mark(name="M", value="1")


def who(pid: int, began: int | None = None) -> ProcessId:
    return ProcessId(pid=pid, start_ticks=pid if began is None else began, boot_id=BOOT)


def process(
    pid: int,
    parent: int = 1,
    *,
    group: int | None = None,
    session: int = 2,
    began: int | None = None,
    state: KernelState = KernelState.SLEEPING,
) -> Process:
    """A process that began when its number says, in a shell's session, unless told otherwise."""
    return Process(
        id=who(pid, began),
        state=state,
        parent=parent,
        group=2 if group is None else group,
        session=session,
    )


def found(processes: Iterable[Process], lineage: Lineage, **how: object) -> set[int]:
    return {it.pid for it in members(processes, lineage, **how)}  # type: ignore[arg-type]


SHELL = process(2, group=2)
BOT = process(100, 2, group=100)
LINEAGE = Lineage(root=who(100))


def test_children_of_children_belong_and_strangers_do_not() -> None:
    stranger = process(104, 2, group=104)

    assert found(
        [SHELL, BOT, process(101, 100), process(102, 101), process(103, 102), stranger], LINEAGE
    ) == {100, 101, 102, 103}


def test_an_orphan_belongs_by_the_group_or_session_that_the_bot_led() -> None:
    by_group, by_session = process(101, 1, group=100), process(102, 1, group=102, session=100)

    assert found([SHELL, by_group, by_session], LINEAGE) == {101, 102}


def test_a_group_that_the_bot_was_put_into_by_a_shell_is_not_its_own() -> None:
    bot, neighbour = process(100, 2, group=99), process(99, 2, group=99)

    assert found([SHELL, bot, neighbour], LINEAGE) == {100}


def test_a_number_that_went_to_somebody_else_names_nothing_of_the_bot() -> None:
    other, its_child = process(100, 2, group=100, began=5000), process(6000, 100, group=100)

    assert found([SHELL, other, its_child], LINEAGE) == set()


def test_the_group_of_a_child_that_led_it_counts_as_well() -> None:
    leader, orphan = process(101, 100, group=101), process(102, 1, group=101)

    assert found([SHELL, BOT, leader, orphan], LINEAGE) == {100, 101, 102}


def test_who_belonged_before_still_does() -> None:
    orphan = process(105, 1)

    assert found([SHELL, orphan], LINEAGE) == set()
    assert found([SHELL, orphan], LINEAGE, known=[who(105)]) == {105}
    assert found([SHELL, process(105, 1, began=900)], LINEAGE, known=[who(105)]) == set()


def test_orphans_that_came_to_their_adopter_belong_unless_they_were_there_before() -> None:
    lineage = Lineage(root=who(100), adopter=who(50), spared=frozenset({who(101)}))
    adopter, before, spared, orphan = (
        process(50, 2, group=50),
        process(60, 50),
        process(101, 50),
        process(102, 50),
    )

    assert found([SHELL, adopter, before, spared, orphan, process(103, 102)], lineage) == {102, 103}


def test_the_mark_is_asked_of_those_only_who_could_have_it() -> None:
    asked: list[int] = []

    def carries(it: Process) -> bool:
        asked.append(it.pid)
        return it.pid == 301

    older, child, runaway, other = process(40), process(101, 100), process(301), process(302)
    lineage = Lineage(root=who(100), mark=MARK)

    assert found([SHELL, BOT, older, child, runaway, other], lineage, carries=carries) == {
        100,
        101,
        301,
    }
    assert 40 not in asked
    assert 2 not in asked


def test_who_is_in_the_control_group_belongs() -> None:
    assert found([SHELL, BOT, process(300), process(301, 300)], LINEAGE, in_cgroup=[300]) == {
        100,
        300,
        301,
    }


def test_the_dead_have_nothing_left_to_do() -> None:
    zombie = process(101, 100, state=KernelState.ZOMBIE)

    assert found([SHELL, BOT, zombie], LINEAGE) == {100}


def test_the_youngest_come_first() -> None:
    kin = members([BOT, process(102, 101), process(101, 100)], LINEAGE)

    assert [it.pid for it in kin] == [102, 101, 100]


PIDS = st.integers(1, 12)
TABLES = st.lists(
    st.builds(
        lambda pid, parent, group, session, began, state: process(
            pid, parent, group=group, session=session, began=began, state=state
        ),
        PIDS,
        PIDS,
        PIDS,
        PIDS,
        st.integers(0, 5),
        st.sampled_from([KernelState.SLEEPING, KernelState.ZOMBIE, KernelState.STOPPED]),
    ),
    max_size=12,
    unique_by=lambda it: it.pid,
)
LINEAGES = st.builds(
    lambda root, adopter, spared: Lineage(
        root=root, adopter=adopter, spared=frozenset(spared), mark=MARK
    ),
    st.none() | st.builds(who, PIDS, st.integers(0, 5)),
    st.none() | st.builds(who, PIDS, st.integers(0, 5)),
    st.lists(st.builds(who, PIDS, st.integers(0, 5)), max_size=3),
)


@given(TABLES, LINEAGES, st.sets(PIDS), st.sets(PIDS))
def test_whatever_the_table_looks_like(
    table: list[Process], lineage: Lineage, marked: set[int], in_cgroup: set[int]
) -> None:
    kin = members(table, lineage, in_cgroup=in_cgroup, carries=lambda it: it.pid in marked)

    ids = {it.id for it in kin}
    assert len(ids) == len(kin)
    assert not ids & lineage.spared
    assert lineage.adopter not in ids
    assert all(it.pid != 1 and not it.state.is_over for it in kin)
    by_pid = {it.pid: it for it in kin}
    for it in table:
        may = it.pid != 1 and not it.state.is_over and it.id not in lineage.spared
        if may and it.id != lineage.adopter and it.parent in by_pid:
            assert it.pid in by_pid
