---@meta

--- `secrets`: what `--secrets FILE` and the environment give by name, for the script alone. Their
--- values are taken out of all that is shown or kept: `***` stands there instead.
---@class secrets
secrets = {}

--- The value of a secret: `secrets.get("db_password")`, `secrets.db_password`, `secrets["db_password"]`.
--- One that nobody gave is an error. It comes from a file that `--secrets` names, else from the
--- environment: SLOTH_SECRET_DB_PASSWORD. The store has none.
---@param name string
---@return string
function secrets.get(name) end

--- Whether there is a secret of a name.
---@param name string
---@return boolean
function secrets.has(name) end
