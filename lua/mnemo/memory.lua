--- Associative memories: matrices that hold pairs as sums of outer products, and what is known
-- of them: how much comes back, what one gradient step writes, how many pairs fit.
--
-- A memory W [d_out, d_in] holds inputs u_z with outputs v_k. Its score for the answer k to z is
-- v_kᵀ W u_z, its answer the k with the largest score. f(z) is the right one.
--
--     local U = mnemo.memory.embeddings(100, 64, { kind = "sphere", seed = 1 })
--     local V = mnemo.memory.embeddings(100, 64, { kind = "sphere", seed = 2 })
--     local W = mnemo.memory.outer(V, U)
--     print(mnemo.memory.recall(W, U, V))                  -- 0.99
--
-- Shapes: n inputs z, m outputs k, d_in and d_out widths. Embeddings are rows. Nothing here is
-- recorded for gradients.
local memory = {}

for _, part in ipairs { "embeddings", "recall", "gradients", "curvature", "capacity" } do
  for name, made in pairs(require("mnemo.memory." .. part)) do memory[name] = made end
end

return memory
