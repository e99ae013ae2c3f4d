"""The settings of the guard: how it watches, which bots, and what else pulls the switch."""

from goflat.settings.declaration import Kind, Setting, Table

_SEVERITIES = ("halt", "cancel", "reduce", "flatten")
_ENDS = ("always", "nonzero", "handover")

_ACCOUNT = Setting(
    key="account",
    kind=Kind.NAME,
    default="main",
    doc="Which account it is about.",
)

GUARD = Table(
    name="guard",
    doc="How the guard watches, and what it does after a trip.",
    settings=(
        Setting(
            key="hold_seconds",
            kind=Kind.SECONDS,
            default=60.0,
            least=1,
            most=3600,
            doc="How long after the run what opens again is closed again.",
        ),
        Setting(
            key="after_trip",
            kind=Kind.CHOICE,
            default="terminate",
            choices=("terminate", "freeze", "resume"),
            doc="What becomes of the frozen bots: killed, left frozen, or woken once it is flat.",
        ),
        Setting(
            key="open_run",
            kind=Kind.CHOICE,
            default="resume",
            choices=("resume", "ask"),
            doc="What a guard that starts does with an unfinished run: go on, or wait to be told.",
        ),
        Setting(
            key="check_seconds",
            kind=Kind.SECONDS,
            default=10.0,
            least=1,
            most=60,
            doc="How often it is checked that the switch could work now.",
        ),
        Setting(
            key="proof_seconds",
            kind=Kind.SECONDS,
            default=3600.0,
            least=60,
            most=86400,
            doc="How often all but the sending is tried; a proof twice as old means not armed.",
        ),
        Setting(
            key="http_port",
            kind=Kind.COUNT,
            least=1,
            most=65535,
            sample="8765",
            doc="The port of this machine on which heartbeats are taken over HTTP; left out, none.",
        ),
        Setting(
            key="totp_secret",
            kind=Kind.SECRET,
            sample='"file:totp.key"',
            doc="Where the base32 secret of the second factor is kept, which reset and bypass then "
            "need; left out, a reason is enough.",
        ),
    ),
)

BOT = Table(
    name="bot",
    doc="A bot that trades on an account. The guard is armed once every one of them has been seen.",
    settings=(
        Setting(
            key="name",
            kind=Kind.NAME,
            required=True,
            sample='"maker"',
            doc="What the bot calls itself in its heartbeats.",
        ),
        _ACCOUNT,
        Setting(
            key="hang_seconds",
            kind=Kind.SECONDS,
            default=3.0,
            least=1,
            most=86400,
            doc="How long a bot that has sent progress may make none; more than its longest sleep.",
        ),
        Setting(
            key="recv_window_seconds",
            kind=Kind.SECONDS,
            default=5.0,
            least=0.1,
            most=60,
            doc="The time window of the bot's own orders; nothing is proven before it is over.",
        ),
        Setting(
            key="on_exit",
            kind=Kind.CHOICE,
            default="always",
            choices=_ENDS,
            doc="Which end of the bot trips: any, any but status 0, or any without a hand-over.",
        ),
        Setting(
            key="pid_file",
            kind=Kind.PATH,
            sample='"maker.pid"',
            doc="A file with the process id to watch; left out, that of its heartbeats.",
        ),
        Setting(
            key="unit",
            kind=Kind.UNIT,
            sample='"maker.service"',
            doc="The systemd unit whose main process is watched.",
        ),
    ),
    repeats=True,
)

TRIGGER = Table(
    name="trigger",
    doc="One more reason to act. Death, a hang and a person trip without being written down.",
    settings=(
        Setting(
            key="name",
            kind=Kind.NAME,
            required=True,
            sample='"drawdown"',
            doc="What the trigger is called in alerts and reports.",
        ),
        _ACCOUNT,
        Setting(
            key="kind",
            kind=Kind.CHOICE,
            required=True,
            choices=(
                *("loss", "margin", "distance", "connection"),
                *("schedule", "file", "url", "code"),
            ),
            sample='"loss"',
            doc="What is looked at.",
        ),
        Setting(
            key="severity",
            kind=Kind.CHOICE,
            default="flatten",
            choices=_SEVERITIES,
            doc="How hard it hits.",
        ),
        Setting(
            key="on_unreadable",
            kind=Kind.CHOICE,
            default="alert",
            choices=("alert", "trip"),
            doc="What is done while it cannot be read: it is not armed and says so, or it trips.",
        ),
        Setting(
            key="every_seconds",
            kind=Kind.SECONDS,
            default=5.0,
            least=1,
            most=3600,
            doc="How often it is read.",
        ),
        Setting(
            key="loss_percent",
            kind=Kind.PERCENT,
            least=0.01,
            most=100,
            sample="10",
            doc="`loss`: the part of the best equity of the window that may be lost.",
        ),
        Setting(
            key="loss_amount",
            kind=Kind.AMOUNT,
            sample='"500"',
            doc="`loss`: the amount in the margin asset that may be lost within the window.",
        ),
        Setting(
            key="window_seconds",
            kind=Kind.SECONDS,
            default=86400.0,
            least=10,
            most=604800,
            doc="`loss`: how far back the best equity is looked for.",
        ),
        Setting(
            key="margin_percent",
            kind=Kind.PERCENT,
            least=0.1,
            most=100,
            sample="80",
            doc="`margin`: fires when so much of the margin balance is needed to keep positions.",
        ),
        Setting(
            key="distance_percent",
            kind=Kind.PERCENT,
            least=0.01,
            most=100,
            sample="3",
            doc="`distance`: fires when a mark price is this near to the forced liquidation.",
        ),
        Setting(
            key="silent_seconds",
            kind=Kind.SECONDS,
            default=30.0,
            least=2,
            most=3600,
            doc="`connection`: fires when the venue has not answered for so long.",
        ),
        Setting(
            key="cron",
            kind=Kind.CRON,
            sample='"55 21 * * 1-5"',
            doc="`schedule`: when it fires.",
        ),
        Setting(
            key="time_zone",
            kind=Kind.ZONE,
            default="UTC",
            doc="`schedule`: the zone of that time.",
        ),
        Setting(
            key="path",
            kind=Kind.PATH,
            sample='"/run/panic"',
            doc="`file`: the file whose state is looked at.",
        ),
        Setting(
            key="url",
            kind=Kind.URL,
            schemes=("https", "http"),
            sample='"http://127.0.0.1:9000/panic"',
            doc="`url`: the address that is asked; 200 is calm, 204 and 404 say absent.",
        ),
        Setting(
            key="fires_when",
            kind=Kind.CHOICE,
            default="present",
            choices=("present", "absent"),
            doc="`file` and `url`: fires when it is there, or when it is not.",
        ),
        Setting(
            key="function",
            kind=Kind.CALLABLE,
            sample='"mytriggers:too_hot"',
            doc="`code`: a function without arguments that returns a reason to trip, or None.",
        ),
    ),
    repeats=True,
)
