std = "lua54"
max_line_length = 100
-- The command sets `mnemo` for scripts and for what is typed.
read_globals = { "mnemo" }
-- Declarations for editors: nothing in them is run.
exclude_files = { "lua/meta" }
