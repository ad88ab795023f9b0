--- Level lines of a function known on a grid, by marching squares.
--
-- Between grid points the function is taken as linear along the edges of the cells; in a cell
-- with two high corners opposite each other, the mean of its corners tells whether they join.
-- Lorensen and Cline 1987, "Marching Cubes", in two dimensions.
local contours = {}

--- Links crossings of the grid's edges into chains that keep what is high on their left.
-- @tparam table grid `columns`, `rows` and `height(i, j)`: z − level at a node, −∞ outside
-- @tparam function point gives the crossing's place on the edge from one node to another
-- @treturn {table,...} chains of points; those that end where they began say `closed`
local function trace(grid, first, last_column, last_row, point)
  local stride = grid.columns + 3
  -- Edges have odd numbers if they go up, even ones if they go right.
  local function edge(i, j, upward) return 2 * ((j + 1) * stride + i + 1) + (upward and 1 or 0) end
  local following, place, entered, starts = {}, {}, {}, {}
  for j = first, last_row - 1 do
    for i = first, last_column - 1 do
      local nodes = { { i, j }, { i + 1, j }, { i + 1, j + 1 }, { i, j + 1 } }
      local edges = {
        edge(i, j, false), edge(i + 1, j, true), edge(i, j + 1, false), edge(i, j, true),
      }
      local heights, sum = {}, 0
      for k = 1, 4 do
        heights[k] = grid.height(nodes[k][1], nodes[k][2])
        sum = sum + heights[k]
      end
      -- Around the cell, counter-clockwise: where what is high ends and where it begins.
      local crossings = {}
      for k = 1, 4 do
        local other = k % 4 + 1
        if sum == sum and (heights[k] >= 0) ~= (heights[other] >= 0) then
          crossings[#crossings + 1] = { edge = edges[k], ends = heights[k] >= 0 }
          place[edges[k]] = place[edges[k]] or point(nodes[k], nodes[other])
        end
      end
      -- From an end to the next beginning if the high corners join, else to the one before.
      local step = sum >= 0 and 1 or -1
      for k, crossing in ipairs(crossings) do
        if crossing.ends then
          local to = crossings[(k - 1 + step) % #crossings + 1].edge
          following[crossing.edge] = to
          entered[to] = true
          starts[#starts + 1] = crossing.edge
        end
      end
    end
  end
  local chains, used = {}, {}
  local function follow(start)
    if used[start] then return end
    local chain, at = { place[start] }, start
    repeat
      used[at] = true
      at = following[at]
      chain[#chain + 1] = place[at]
    until not following[at] or used[at]
    chain.closed = at == start
    chains[#chains + 1] = chain
  end
  -- Chains that come in from the border first: what is left then are loops.
  for _, start in ipairs(starts) do
    if not entered[start] then follow(start) end
  end
  for _, start in ipairs(starts) do follow(start) end
  return chains
end

--- Returns a function that finds where an edge is crossed.
local function crossing(x, y, height)
  return function(a, b)
    local from, to = height(a[1], a[2]), height(b[1], b[2])
    -- Where one end is outside, at the other end.
    local share = from == -math.huge and 1 or to == -math.huge and 0 or from / (from - to)
    local function between(list, i, j)
      i, j = math.max(1, math.min(#list, i)), math.max(1, math.min(#list, j))
      return list[i] + share * (list[j] - list[i])
    end
    return { between(x, a[1], b[1]), between(y, a[2], b[2]) }
  end
end

--- Finds the lines on which the function has a value.
-- @tparam {number,...} x the columns' places
-- @tparam {number,...} y the rows' places
-- @tparam {table,...} z rows of values; no line goes through a cell with a NaN
-- @tparam number level the value
-- @treturn {table,...} lines, each a list of points { x, y }
function contours.lines(x, y, z, level)
  local function height(i, j) return z[j][i] - level end
  local grid = { columns = #x, rows = #y, height = height }
  return trace(grid, 1, #x, #y, crossing(x, y, height))
end

--- Finds the borders of the region in which the function is at least some value.
-- @tparam {number,...} x the columns' places
-- @tparam {number,...} y the rows' places
-- @tparam {table,...} z rows of values; NaN belongs to no region
-- @tparam number level the least value; −∞ for all there is
-- @treturn {table,...} loops, counter-clockwise, but clockwise around holes
function contours.regions(x, y, z, level)
  local function height(i, j)
    local value = z[j] and z[j][i]
    if not value or value ~= value then return -math.huge end
    return level == -math.huge and 1 or value - level
  end
  local grid = { columns = #x, rows = #y, height = height }
  return trace(grid, 0, #x + 1, #y + 1, crossing(x, y, height))
end

return contours
