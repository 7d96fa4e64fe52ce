---@meta

--- `docker`: containers and images, by the command `docker`, while other tasks go on. Results are true
--- and a table with `changed`, `message`, `stdout`, `stderr`, `exit_code` and `success`, or false and a
--- message.
---@class docker
docker = {}

--- Runs docker with these arguments: `docker.exec({ "ps", "-a" })`, `docker.exec("ps", "-a")`. What it
--- does is not known, so it counts as a change.
---@param arguments string|string[]
---@param ... string
---@return boolean ok
---@return outcome|string result or problem
function docker.exec(arguments, ...) end

--- Runs a container. One with a name stays: it is made, or made anew if it differs, and belongs to the
--- workflow, so this needs a run. Without a name, or with `detach = false`, it is waited for and removed.
---@param image string|{ image: string, name: string?, ports: string[]?, env: table?, volumes: string[]?, command: string|string[]|nil, network: string?, restart: string?, labels: table?, detach: boolean? }
---@param options table? the same fields, where the image is given before it
---@return boolean ok
---@return outcome|string result or problem
function docker.run(image, options) end

--- Builds an image; what did not change is taken from docker's cache.
---@param tag string|{ tag: string, path: string?, dockerfile: string?, build_args: table? }
---@param path string? the task's folder by default
---@param options { dockerfile: string?, build_args: table? }?
---@return boolean ok
---@return outcome|string result or problem
function docker.build(tag, path, options) end

--- Sends an image to its registry.
---@param image string|{ image: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.push(image) end

--- Fetches an image.
---@param image string|{ image: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.pull(image) end

--- Starts a container that is there.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.start(name) end

--- Stops a container; one that is not there counts as stopped.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.stop(name) end

--- Removes a container, running or not.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.rm(name) end

--- What a container has written.
---@param name string
---@return string? text
---@return string? problem
function docker.logs(name) end

--- Whether a container is there and runs.
---@param name string
---@return boolean
---@return string? problem
function docker.is_running(name) end
