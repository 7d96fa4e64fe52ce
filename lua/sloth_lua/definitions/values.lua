---@meta

--- `values`: what `--values` and `--set` gave, as a table; an empty one without any.
---@class values
---@overload fun(defaults: table): table
values = {}
