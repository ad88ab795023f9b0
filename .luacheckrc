std = "lua54"
max_line_length = 100
-- The command sets `mnemo` for scripts and for what is typed.
read_globals = { "mnemo" }
