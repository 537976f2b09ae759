/** What docs/settings.md says beside the list of settings. */

export const INTRODUCTION = `# Settings

Settings of the program \`conclave\`, as \`conclave up\` and [the commands beside it](#the-commands-beside-up) use them. The library takes options instead, see [election.md](election.md) and [configuration.md](configuration.md).

\`conclave settings\` shows every value and where it comes from, all that is wrong, each with its place, and what has no
effect. It takes the same flags as \`conclave up\`, starts nothing, and shows no secret. Exit code 0 means that a member could
start with them, 2 that it could not:

\`\`\`
$ LeaderElection__GracePeriodSeconds=2 conclave settings --lease 30s
settings file conclave.hcl
setting                         value       from                                changes
leaderElection.resourceName     billing     conclave.hcl:5:7 (conclave.high_…)  restart
leaderElection.leaseDurationMs  30000 ms    --lease                             live
leaderElection.gracePeriodMs    2000 ms     LeaderElection__GracePeriodSeconds  live
…
\`\`\`

## Where they come from

Later ones win: defaults, the preset, the file, the environment, flags. Within the environment \`CONCLAVE_…\` wins over
double underscores, and those over plain names such as \`POD_NAME\`. Within a file there is one place for a setting: two
different values for it are refused, except for Redis and detailed logging, where the order of
names below decides and a note tells the rest.

An empty text (\`env("POD_NAME", "")\`, an empty variable) and \`null\` say nothing: it is as if they were not there. Relative
paths begin in the working directory, wherever they were written.
`;

export const FILE = `## The file

Which one: \`--config FILE\`, else \`CONCLAVE_CONFIG\`, else the one of FILES in the working directory. If there
are several of those, \`conclave\` asks which one is meant. A directory may be named, too: its files then belong together. An
\`appsettings.json\` is not looked for: name it.

Formats are HCL, JSON (with comments), YAML and TOML, see [formats.md](formats.md); in HCL \`env()\`, \`file()\` and the other
functions work. Keys may be written in any case of letters. Everything may stand in a root block \`conclave\`, or \`honua\`,
or in none:

\`\`\`hcl
conclave {
  version     = "1.0"
  environment = "production"
  high_availability {
    enabled = true
    leader_election {
      enabled                  = true
      resource_name            = "billing"
      lease_duration_seconds   = 30
      renewal_interval_seconds = 10
      instance_id              = env("POD_NAME", "")
    }
  }
  server {
    address = "0.0.0.0"
    tokens  = [{ token = env("CONCLAVE_TOKEN"), scopes = ["read", "reload"] }]
  }
}
cache "redis" {
  enabled    = true
  connection = env("REDIS_CONNECTION_STRING")
}
\`\`\`

The same in YAML, JSON and TOML is an object in an object: \`conclave: { high_availability: { … } }\`, \`cache: { redis: { … } }\`.

Two more shapes are read: the older one, with sections such as \`LeaderElection\` side by side (see
[migrating](#migrating-from-the-older-json-settings)), and a controller's:

\`\`\`yaml
controller:
  leader_election:
    enabled: true
    lease_name: billing
    lease_duration: 15s
    renew_deadline: 10s
    retry_period: 2s
\`\`\`

### What is ours, and what is not

In our own blocks an unknown key is an error that says which was probably meant. What is not ours is left alone: other
sections (\`Logging\`), other kinds of caches, other connection strings, other blocks in \`honua\` or beside it. In \`redis\`,
\`cache "redis"\` and \`controller.leader_election\`, where others have keys, too, only a key that resembles one of ours is an
error. In \`conclave\` everything is ours. Without a root block our blocks are in small letters: \`Server\` and
\`Metrics\` of an application are left alone. Beside a root block only \`cache\`, \`controller\` and the older sections count: if
your file has a block \`server\` of its own, put ours into \`conclave { … }\`.
`;

export const ENVIRONMENT = `## The environment

\`LeaderElection__LeaseDurationSeconds=30\`: every key of a file, of any shape, with two underscores where a file nests; the
case of letters does not matter. Lists are counted: \`Server__Tokens__0__Token=…\`, \`Server__Tokens__0__Scopes=read,reload\`.
A key without a block around it needs the root: \`CONCLAVE__STORE\`, which is the same as \`CONCLAVE_STORE\`.

\`CONCLAVE_…\`: every flag, in capitals and with \`_\` for \`-\`: \`CONCLAVE_LEASE=30s\`, \`CONCLAVE_METRICS_PORT=9090\`. A flag that
switches something off, such as \`--no-election\`, is \`CONCLAVE_ELECTION=false\`. \`CONCLAVE_LEASE_TOKEN\`, \`CONCLAVE_LEASE_TERM\`
and \`CONCLAVE_LEASE_RESOURCE\`, which \`conclave run\` gives to its command, are no settings. Nor is what Kubernetes sets in
every pod beside a Service called \`conclave\` (\`CONCLAVE_PORT=tcp://…\`): it is left alone, and told.

Unknown keys are errors below \`CONCLAVE__\`, \`LeaderElection__\`, \`HighAvailability__\` and \`ConfigurationWatcher__\`. Elsewhere
the variable may be another program's: it is left alone, and told if it resembles one of ours.

Plain names: \`REDIS_CONNECTION_STRING\`, \`POD_NAME\`, \`POD_NAMESPACE\`.
`;

export const RULES = `## What they mean together

### The store

What \`store\` (\`--store\`) asks for is used, else the Redis that is given. If neither is there:

- \`conclave up\` without any settings (no file, no variable but \`POD_NAME\` and \`POD_NAMESPACE\`) uses the embedded store in its
  directory. In a pod it warns: each pod would have a leader of its own.
- In every other case it refuses to start, and says how to choose the embedded store on purpose:
  \`store = "sqlite:.conclave/leases.db"\`. A fleet whose Redis was forgotten must not elect a leader on each host.

No store is needed where nobody competes and nothing is shared.

### Timings

A lease without a renewal interval is renewed after a third of it. A preset's interval belongs to the preset's lease: with
another lease it is a third of that. Timings that are not safe are refused, with what would do; the rules are in
[election.md](election.md). A controller's \`retry_period\` is how often it renews.

### High availability, and who is alone

In the block form the election is inside \`high_availability\`: \`high_availability.enabled = false\` switches both off. In the
older and the controller's shape the sections stand side by side, and each has its own switch. A switch that is missing is
as the other one; if both are, both are on.

A member whose election is off leads at once and always. Several such members would all lead.

### How a configuration reaches the members

| high availability | watching | \`configuration.mode\` | a changed file                                                        |
| ----------------- | -------- | -------------------- | --------------------------------------------------------------------- |
| off               | on       | \`local\`              | is applied by this member                                             |
| on                | on       | \`file\`               | is noticed by itself; all members change together                     |
| on                | off      | \`file\`               | is applied by all when a reload is asked for, or a notification comes |
| off               | off      | \`static\`             | is read at the next start                                             |

\`store\`, where the store holds the content, is chosen by name. The modes are explained in [configuration.md](configuration.md).
`;

export const COMMANDS = `## The commands beside \`up\`

\`run\`, \`status\`, \`resign\`, \`release\`, \`doctor\` and \`config status\`, \`history\`, \`rollback\` and \`reload\` go by the same settings: the
same file, found in the same way, the same variables, and those flags that they have. So whoever names the file, once by
\`CONCLAVE_CONFIG\` or each time by \`--config\`, means the lease that the members mean, with its store, its key and its timings:

\`\`\`sh
export CONCLAVE_CONFIG=/etc/conclave/conclave.hcl
conclave status
conclave run -- node worker.js
\`\`\`

- \`run\` competes as \`up\` would. The name of the resource must be given: the default one would be that of whatever directory
  it is started in. A journal belongs to one process, so that only \`--journal\` names one. Where the election is switched off it
  leads alone, and says so; where members are to start paused it is refused. It goes by what the file says now: a member of
  \`up\` that came back with the last good settings, because the file counts as what ended it, may lead by others.
- \`status\` shows the lease that the settings name, and all that members of this directory say of themselves: where a member
  was started by other settings, both are seen. \`resign\` means the resource that the settings name.
- \`release\` and \`doctor\` need a store, and \`release\` a resource, by settings or flags; they never guess.
- \`config status\`, \`history\` and \`rollback\` look where members share their configuration by these settings: beside the
  leases, by the name of the resource. \`--store\` and \`--namespace\` say otherwise. \`config reload\` takes the directory alone.

Settings that are wrong are told as \`conclave settings\` tells them, with exit code 2. Members that run go on by the last good
ones: \`status\` and \`config status\` tell what these say nevertheless, and \`config reload\` has them answer.

What the file refers to and the shell of an operator does not have, by \`env\` or \`file\`, is no problem where only the HTTP
server needs it, as its tokens; what the lease depends on must be there.

Without a file and such variables, \`run\` uses the embedded store in \`.conclave/\`, and the others find what members of this
directory say.
`;

export const SECRETS = `## Secrets

Passwords in connection strings, \`redis.password\` and tokens are never shown: not by \`conclave settings\`, not in errors, not
in logs. Error messages say the place, and repeat no text that stands where a value stands; where a line of the file is
shown, everything that is not known to be harmless is \`***\`: comments, values of unknown keys, and keys that are neither
known nor made of words, since a slip may have made a key of a password. A secret made of words alone, such as
\`correct-horse\`, cannot be told from a key. A plain setting whose value looks like a secret, such as a
connection string with a password, is refused.

Keep them out of the file: \`token = env("CONCLAVE_TOKEN")\`, \`password = trimspace(file("redis-password"))\` (a
file beside the settings).
There is no flag for tokens, because command lines are seen by others.

## Changes while a member runs

\`conclave up\` watches its settings file, and reads it again on SIGHUP. Settings marked **live** change at once, timings of
leases from the next term on; all others need a restart, and the reload says so. What the environment and flags say stays
in force, over the file. A file that is refused changes nothing.
`;

export const MIGRATING = `## Migrating from the older JSON settings

The older file is read as it is: \`conclave up --config appsettings.json\`. To see what it comes to, and what has no effect any
more:

\`\`\`
conclave settings --config appsettings.json
\`\`\`

\`\`\`json
{
  "ConnectionStrings": { "Redis": "redis.internal:6379,abortConnect=false" },
  "LeaderElection": {
    "Enabled": true,
    "ResourceName": "billing",
    "LeaseDurationSeconds": 30,
    "RenewalIntervalSeconds": 10,
    "KeyPrefix": "billing:leader:"
  },
  "HighAvailability": { "Enabled": true, "ConfigurationChannel": "billing:config" },
  "ConfigurationWatcher": { "EnableFileWatching": true, "DebounceMilliseconds": 500 },
  "Honua": { "ConfigurationV2": { "Path": "/etc/billing" } }
}
\`\`\`

Each older key, and the one that replaces it:

OLDER_KEYS

What to know before the switch:

- The key in Redis stays the same, \`<KeyPrefix><ResourceName>\` or \`LockKey\`, and still holds the holder's id with its time
  to live. Set \`KeyPrefix\` if you relied on the old default: here it is \`conclave:leader:\`. What decides is a record beside
  it, so that members of the older program and of this one do not exclude each other: stop the last of the old before
  starting the first of the new.
- \`REDIS_CONNECTION_STRING\`, \`LeaderElection__…\` and the other variables work as they did.
- Connection strings of the comma form are understood, see [redis.md](redis.md).
- With the election enabled and no Redis given, the start is refused; see [the store](#the-store).
- \`Enabled: false\` means: this member is alone, and leads.

To write the file anew, \`conclave config convert appsettings.json --to hcl\` gives the same keys in HCL; rename them by the
table, section by section. Both shapes may stand in one file meanwhile, as long as no setting is given two values.
`;
