---@meta

--- `resource`: things that a script declares. The runner reads reality, compares, and creates or
--- updates only what differs: `resource.file { name = "app.conf", path = "/etc/app.conf", content = text }`.
---
--- The types that come with the runner, with their fields, are in [resources](resources/README.md); how
--- it works is in [an explanation](../explanation/resources.md). Resources are declared in tasks, each
--- type and name once in a run. Every declaration can have these fields too:
---
--- | field | means |
--- |---|---|
--- | `name` | with the type, its identity in the workflow |
--- | `depends_on` | a resource, `"type/name"`, or a list of these; they must be declared before |
--- | `ignore` | paths of attributes that do not count as differences, such as `"labels.*"` or `"users[*].seen"` |
--- | `sensitive` | paths of attributes that are never shown |
---
--- What a declaration returns has the attributes of the resource, with what reading found, and `name`,
--- `type` and `action`: `"create"`, `"update"`, `"replace"`, `"noop"`, or `"read"` for a thing that was
--- already so before the workflow knew it. Using an attribute makes the next declaration of the task
--- depend on it. Deletion goes against that order.
---@class resource
resource = {}

---@class provider what a type of resource consists of; hooks are called with (r, before, memory)
---@field read fun(r: table): table? what the thing is now, nil if it is not there; must change nothing, because `plan` and `drift` call it too
---@field create fun(r: table): table? makes it; may return further attributes
---@field update fun(r: table, before: table): table? makes it as `r` says; without it, a thing that differs is deleted and created
---@field delete fun(r: table)? without it, a rollback names the thing as one that cannot be undone
---@field ignore string[]? paths of attributes that do not count as differences
---@field sensitive string[]? paths of attributes that are never shown
---@field natural_key string[]|string|fun(r: table): string the field, or the fields, by which reality knows the thing; with another key it is another thing, and the old one is deleted
---@field irreversible boolean|string|fun(r: table): string? a reason why what was done to it is not undone
---@field import fun(id: string): table? fields of a thing that exists, by the name it has in reality

---@class archive_declaration
---@field source string tar (plain, gz, bz2 or xz) or zip; relative to the task's folder
---@field path string the folder to unpack in, which is made
---@field strip number? how many leading folders of each member's path are left out
---@field creates string? below path: while it is there, nothing is unpacked and no file compared

---@class command_declaration
---@field command string? for bash -c; `run` is a synonym
---@field creates string? a path: done while something is there
---@field unless string? shell command: done while it succeeds
---@field only_if string? shell command: done while it fails
---@field triggers any another value runs the command again
---@field undo string? shell command that takes it back
---@field workdir string? by default the task's folder
---@field env table<string, string>?
---@field timeout number|string|nil

---@class cron_declaration
---@field schedule string five fields, or one such as @daily
---@field command string one line of shell
---@field user string? by default who runs the workflow
---@field env table<string, string>? for this entry alone

---@class directory_declaration
---@field path string
---@field mode string|number|nil octal digits; a new folder has 0755 by default, another keeps its own
---@field owner string|number|nil name or number; by default it stays
---@field group string|number|nil

---@class file_declaration
---@field path string
---@field content string? any bytes
---@field source string? instead of content: a file, relative to the task's folder
---@field mode string|number|nil octal digits; a new file has 0644 by default, another keeps its own
---@field owner string|number|nil name or number; by default it stays
---@field group string|number|nil

---@class group_declaration
---@field group string? by default the resource's name
---@field gid integer?
---@field system boolean? says only how the number of a new group is chosen
---@field members string[]? exactly these

---@class line_in_file_declaration
---@field path string
---@field line string? without its end
---@field match string? pattern of the line to replace, if the line itself is not there; or to remove
---@field state "present"|"absent"|nil
---@field insert_after string? pattern; a new line stands behind the last that matches, else at the end
---@field insert_before string? pattern; before the first that matches
---@field create boolean? whether a file that is missing is made

---@class package_declaration
---@field package string? by default the resource's name
---@field state "present"|"absent"|nil present by default
---@field version string? exact, as dpkg shows it

---@class service_declaration
---@field service string? the unit; by default the resource's name
---@field running boolean?
---@field enabled boolean?
---@field restart_on any another value restarts a running unit

---@class symlink_declaration
---@field path string
---@field target string as it stands in the link: relative to the link's folder, or absolute; need not exist

---@class template_declaration
---@field path string
---@field source string? the template: a file, relative to the task's folder; may include others beside it
---@field content string? instead of source: the template itself
---@field vars table? what the template can use, beside `values`
---@field mode string|number|nil as of a file
---@field owner string|number|nil
---@field group string|number|nil

---@class user_declaration
---@field user string? the login name; by default the resource's name
---@field uid integer?
---@field group string? the first group; by default one of the user's own name
---@field groups string[]? the other groups, exactly these
---@field home string?
---@field shell string?
---@field comment string?
---@field system boolean? says only how the number of a new user is chosen

--- Adds a type of resource: `resource.define("note", { … })` makes `resource.note { … }`. It must be
--- done at the top level of the file, because drift and rollback load the file without running its
--- tasks. Its functions get `r`, with the declared fields and `r.name` and `r.type`; `update` gets what
--- `read` returned second. Third, each gets a table that is kept with the resource and is given to its
--- later calls: what is needed to undo the change can be put there. An error in one fails the task;
--- what `read` finds then is recorded with the status `failed`.
---@param kind string
---@param provider provider
function resource.define(kind, provider) end

--- Takes a thing that exists into the state as it is, by the name it has in reality; for a file that
--- is its path. Types whose provider has no `import` refuse it.
---@param kind string
---@param name string the name it gets in the state
---@param id string
---@return table
function resource.import(kind, name, id) end

--- An `archive` owns the files, links and folders that it was unpacked to: each file's bytes and
--- mode, each link's target. Other files in the same folder belong to others.
---@param fields archive_declaration
---@return table
function resource.archive(fields) end

--- `command`: a shell command that is run once, or whenever its guard says that it is needed.
--- It owns nothing but the fact that the command was run; what the command does is its author's.
---@param fields command_declaration
---@return table
function resource.command(fields) end

--- `cron`: one entry of a user's crontab, between two comments that name it. All other lines of the
--- crontab belong to others and are kept byte for byte.
---@param fields cron_declaration
---@return table
function resource.cron(fields) end

--- A `directory` owns a folder's being there, its mode, owner and group, and never what is in it.
--- Parents that are missing are made with it and go with it, once they are empty.
---@param fields directory_declaration
---@return table
function resource.directory(fields) end

--- A running container, through the command `docker`. One that this workflow did not make, as its
--- label says, is left alone, unless `adopt` takes it over.
---@param fields table
---@return table
function resource.docker_container(fields) end

--- A `file` owns the exact bytes of a regular file, its mode, owner and group. Without `content` or
--- `source` it owns only the last three, of a file that somebody else makes.
---@param fields file_declaration
---@return table
function resource.file(fields) end

--- A clone of a git repository with a branch, tag or commit of it checked out: it owns which commit
--- that is, and the clone if it made it. What somebody did in the clone is kept unless `force` is set.
---@param fields table
---@return table
function resource.git_repo(fields) end

--- `group`: a group of the system. It owns the group's entry, and its members if they are declared.
---@param fields group_declaration
---@return table
function resource.group(fields) end

--- Something that must answer over HTTP: a check that waits until it does, and owns nothing. With
--- `create` it is an object of a REST interface, which is owned as far as `compare` names it.
---@param fields table
---@return table
function resource.http_endpoint(fields) end

--- A `line_in_file` owns one line of a text file, or that there is no such line; the rest of the
--- file belongs to others. Patterns are regular expressions as Python's `re` has them.
---@param fields line_in_file_declaration
---@return table
function resource.line_in_file(fields) end

--- `package`: a package of the system, by apt and dpkg. It owns whether the package is installed and,
--- if a version is declared, which one; never its configuration, nor what it was installed for.
---@param fields package_declaration
---@return table
function resource.package(fields) end

--- `service`: a unit of systemd. It owns whether the unit runs and whether it starts with the system,
--- as far as these are declared; not the unit's file, which is a `file` of its own.
---@param fields service_declaration
---@return table
function resource.service(fields) end

--- One step of a database's schema: it owns what its `up` does and the row that says it is applied.
--- Both come and go in one transaction; what else is in the database is left alone.
---@param fields table
---@return table
function resource.sql_migration(fields) end

--- A `symlink` owns a symbolic link and where it points to; it never touches what it points to. The
--- link is replaced in one step, so that whoever follows it finds the old target or the new.
---@param fields symlink_declaration
---@return table
function resource.symlink(fields) end

--- A `template` owns a file as `file` does; its content is rendered by Jinja2 when it is declared.
---@param fields template_declaration
---@return table
function resource.template(fields) end

--- `user`: a user of the system. It owns what is declared of the user's entry, and a home that it made,
--- as long as nothing was put into it. It sets no password: a new user has none and cannot log in by one.
---@param fields user_declaration
---@return table
function resource.user(fields) end
