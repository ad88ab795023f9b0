--- Circuits: what the matrices of heads say about pairs of tokens, and how heads of two layers
-- act together (Elhage and others, A Mathematical Framework for Transformer Circuits, 2021).
--
-- Only matrices are read, no tokens: layer norms, positions and what layers in between add are
-- left aside.
--
-- Shapes: N vocab, d dim, H heads of a layer. A head reads with W_Q, W_K and W_V, its d/H rows of
-- the layer's matrices, and writes with W_O, its d/H columns.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"
local weights = require "mnemo.reading.weights"

local circuits = {}

--- A matrix over pairs of tokens, kept as two narrow factors: matrix = left rightᵀ. Its fields are
-- `which`, `layer`, `head`, `left` [M, d/H] and `right` [M', d/H].
-- @type Circuit
local circuit = {}
circuit.__index = circuit

local kinds = {}

--- Row i, column j: how much token i looks at token j, E W_Qᵀ W_K Eᵀ.
function kinds.qk(model, rows, columns, head_weight)
  local embeddings = weights.embeddings(model, "circuit")
  return (rows or embeddings):matmul(head_weight("wq"):t()),
    (columns or embeddings):matmul(head_weight("wk"):t())
end

--- Row i, column j: by how much token j, looked at, raises the logit of i, W_U W_O W_V Eᵀ.
function kinds.ov(model, rows, columns, head_weight)
  return (rows or weights.output(model, "circuit")):matmul(head_weight("wo")),
    (columns or weights.embeddings(model, "circuit")):matmul(head_weight("wv"):t())
end

--- Reads a head's matrices between tokens; `model:circuit` is the same.
--
-- "qk" is E W_Qᵀ W_K Eᵀ, [N, N]: row i, column j is the score with which token i looks at token j,
-- before it is divided by √(d/H). "ov" is W_U W_O W_V Eᵀ, [N, N]: row i, column j is by how much
-- token j, looked at with weight 1, raises the logit of token i. Other vectors may stand for the
-- tokens' own: position embeddings, or what an earlier head wrote.
-- @tparam Model model a built-in one, or one whose parameters are named alike
-- @tparam "qk"|"ov" which the matrices
-- @tparam integer layer from 1
-- @tparam[opt=1] integer head from 1
-- @tparam[opt=embeddings or output matrix] Tensor options.rows [M, d], for the rows: of "qk" what
--   looks, of "ov" what is answered
-- @tparam[opt=embeddings] Tensor options.columns [M', d], for the columns: what is looked at
-- @treturn Circuit
-- @usage
-- local model = mnemo.model.simplified { vocab = 8, dim = 16, max_len = 4, seed = 1 }
-- local positions = model:get "pe"
-- local previous = mnemo.circuits.of(model, "qk", 1, 1, { rows = positions, columns = positions })
-- print(previous:matrix())
function circuits.of(model, which, layer, head, options)
  weights.check(model, "circuit")
  options = options or {}
  expect.keys(options, { "rows", "columns" }, "circuit")
  local factors = kinds[which]
    or expect.fail("circuit: which is '%s'; allowed are 'qk', 'ov'", tostring(which))
  return mnemo.no_grad(function()
    local left, right = factors(model, options.rows, options.columns, function(name)
      return weights.of_head(model, name, layer, head or 1, "circuit"):detach()
    end)
    return setmetatable({
      which = which, layer = layer, head = head or 1, left = left, right = right,
    }, circuit)
  end)
end

--- Multiplies the factors.
-- @treturn Tensor [M, M'], as a rule [N, N]
-- @usage
-- local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
-- mnemo.plot.heatmap { matrix = model:circuit("qk", 1, 2):matrix() }:save("qk.svg")
function circuit:matrix()
  return mnemo.no_grad(function() return self.left:matmul(self.right:t()) end)
end

--- Decomposes the matrix into U diag(S) Vᵀ by its factors, so that it need not be made.
-- @treturn Tensor U, [M, r], r at most d/H
-- @treturn Tensor S, [r], the largest first
-- @treturn Tensor V, [M', r]
-- @usage
-- local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
-- local _, S = model:circuit("ov", 1, 1):svd()
-- print(S)
function circuit:svd()
  return mnemo.no_grad(function()
    local left_u, left_s, left_v = mnemo.linalg.svd(self.left)
    local right_u, right_s, right_v = mnemo.linalg.svd(self.right)
    local core = left_v:t():matmul(right_v) * left_s:reshape(left_s:size(1), 1) * right_s
    local core_u, core_s, core_v = mnemo.linalg.svd(core)
    return left_u:matmul(core_u), core_s, right_u:matmul(core_v)
  end)
end

--- Returns the ids with the largest entries of a column.
local function largest(matrix, column, count)
  local _, ids = matrix:select(2, column):topk(math.min(count, matrix:size(1)), 1)
  return ids:totable()
end

--- Reads the singular directions as tokens: each says that the tokens in `rows` and those in
-- `columns` go together.
--
-- A direction and its negative are the same to a decomposition: the sign is that which makes the
-- largest entry of the rows positive.
-- @tparam[opt=5] integer options.count how many directions, the strongest first
-- @tparam[opt=5] integer options.tokens how many tokens of each
-- @treturn {table,...} `{ value=, rows=, columns= }`: the singular value, and the tokens with the
--   largest entries, as lists of ids
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, seed = 1 }
-- for _, direction in ipairs(model:circuit("ov", 2, 1):directions { count = 2 }) do
--   print(direction.value, task:decode(direction.columns), task:decode(direction.rows))
-- end
function circuit:directions(options)
  options = options or {}
  expect.keys(options, { "count", "tokens" }, "directions")
  local U, S, V = self:svd()
  local list, tokens = {}, options.tokens or 5
  for i = 1, math.min(options.count or 5, S:size(1)) do
    local u = U:select(2, i)
    local sign = u:max():item() >= -u:min():item() and 1 or -1
    list[i] = {
      value = S[i]:item(), rows = largest(U * sign, i, tokens),
      columns = largest(V * sign, i, tokens),
    }
  end
  return list
end

function circuit:__tostring()
  return ("Circuit %s of layer %d, head %d [%d, %d]"):format(self.which, self.layer, self.head,
    self.left:size(1), self.right:size(1))
end

--- Tells how much the heads of a layer read what those of an earlier one write.
--
-- With W_QK = W_Qᵀ W_K of the later head and W_OV = W_O W_V of either, the scores are
-- ‖W_QKᵀ W_OV‖ / (‖W_QK‖ ‖W_OV‖) for queries, ‖W_QK W_OV‖ / (‖W_QK‖ ‖W_OV‖) for keys, and
-- ‖W_OV' W_OV‖ / (‖W_OV'‖ ‖W_OV‖) for values, in Frobenius norms: from 0 to 1.
-- @tparam Model model a built-in one, or one whose parameters are named alike
-- @tparam integer first the earlier layer, from 1
-- @tparam integer second the later layer
-- @treturn table `q`, `k` and `v`: Tensors [H, H], by head of the first layer and of the second
-- @usage
-- local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
-- print(mnemo.circuits.composition(model, 1, 2).k)
function circuits.composition(model, first, second)
  local where = "circuits.composition"
  weights.check(model, where)
  local writers, readers = weights.heads(model, first, where), weights.heads(model, second, where)
  if first >= second then
    expect.fail("%s: layer %d does not come before layer %d", where, first, second)
  end
  return mnemo.no_grad(function()
    local function product(layer, head, left, right)
      local a = weights.of_head(model, left, layer, head, where)
      return (left == "wq" and a:t() or a)
        :matmul(weights.of_head(model, right, layer, head, where))
    end
    local scores = { q = {}, k = {}, v = {} }
    local function score(name, i, j, reads, writes)
      scores[name][i] = scores[name][i] or {}
      scores[name][i][j] = (reads:matmul(writes):norm() / (reads:norm() * writes:norm())):item()
    end
    for i = 1, writers do
      local writes = product(first, i, "wo", "wv")
      for j = 1, readers do
        local qk = product(second, j, "wq", "wk")
        score("q", i, j, qk:t(), writes)
        score("k", i, j, qk, writes)
        score("v", i, j, product(second, j, "wo", "wv"), writes)
      end
    end
    for name, rows in pairs(scores) do scores[name] = mnemo.tensor(rows) end
    return scores
  end)
end

return circuits
