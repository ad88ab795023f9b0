---@meta mnemo
-- Written by `make docs` from the declarations. Change those, not this file.
-- For editors with the Lua language server: never run.

---@class mnemo
---@field version string The version of engine and module.
local mnemo = {}

---Sets the seed that tensors, tasks and models without a seed of their own follow. Without a call it is 0.
---
---```lua
---mnemo.seed(7)
---local a = mnemo.randn(2, 3)
---```
---@param n integer Any integer.
function mnemo.seed(n) end

---Sets how many threads the engine uses, and returns it. At first it is the number of processors that the process may use: those it is bound to (taskset), as far as its control group's quota and OMP_NUM_THREADS allow. Results do not depend on it.
---
---```lua
---print(mnemo.threads())
---```
---@param n? integer 1 to 1024. Default: unchanged.
---@return number
function mnemo.threads(n) end

---Seconds on a clock that only goes forward, for timing.
---
---```lua
---local start = mnemo.clock()
---local product = mnemo.randn(100, 100):matmul(mnemo.randn(100, 100))
---print(mnemo.clock() - start >= 0)
---```
---@return number
function mnemo.clock() end

---Which inner loops compute, chosen for the processor when the program starts: "avx512", "avx2" or "portable"; the environment's MNEMO_KERNELS asks for others.
---
---```lua
---print(mnemo.kernels())
---```
---@return string
function mnemo.kernels() end

---The most operations a second that this machine can do on as many threads as are set, measured: multiplications and additions in registers, the limit of every product.
---
---```lua
---local a = mnemo.randn(512, 512)
---local start = mnemo.clock()
---a:matmul(a)
---local flops = 2 * 512 ^ 3 / (mnemo.clock() - start)
---print(("%.2f of the peak"):format(flops / mnemo.peak_flops()))
---```
---@param seconds? number How long to try. Default: 0.1.
---@return number
function mnemo.peak_flops(seconds) end

---Calls a function and returns its results; operations inside record no gradients.
---
---```lua
---local mean = mnemo.no_grad(function() return mnemo.ones(3):mean() end)
---```
---@param fn function Called without arguments.
---@return any ... # what fn returns
function mnemo.no_grad(fn) end

---Prints the documentation of a function, a method, an object, one of the module's tables or a name; without an argument, one line for everything. Of a function written in Lua it prints the comment above it that begins with three dashes.
---
---```lua
---mnemo.help(mnemo.data.bigram)
---mnemo.help("Tensor:sum")
---mnemo.help(mnemo.probes)
---```
---@param x? any A function, an object, a table, or a name.
function mnemo.help(x) end

---Everything that help knows, as a list of tables for programs that write manuals. Each has kind ("table", "function", "class" or "method"), name and summary; functions and methods also signature, parameters, options, returns and example; classes fields and operators. Parameters, options, fields and returns are lists of tables with name, type, doc, optional, variadic and default. A type is a table: kind ("any", "boolean", "integer", "number", "string", "choice", "table", "list", "function", "object" or "union"), words, and choices, class or of, the type or types inside.
---
---```lua
---for _, entry in ipairs(mnemo.documentation()) do
---  if entry.kind == "class" then print(entry.name, entry.summary) end
---end
---```
---@return table[]
function mnemo.documentation() end

---@class (exact) mnemo.print_options.Options
---@field precision? integer How many digits follow the point, 0 to 10.
---@field threshold? integer Up to how many numbers a tensor is printed whole, as far as the width allows; at the most 1000000.
---@field edge_items? integer How many rows and columns of a larger one are shown at either end, 1 to 1000.
---@field width? integer How many characters a line takes, 20 or more; 0 is the window's width at the prompt, any number elsewhere.
---@field scientific? boolean|"auto" Whether numbers are written as 1.5000e-05; "auto" does so where they would else be shown as zero.

---Sets how tensors print, those of the options that are given, and returns all that hold now. Without a call precision is 4, threshold 0, edge_items 6, width 0 and scientific "auto".
---
---```lua
---mnemo.print_options { precision = 2, threshold = 1000 }
---print(mnemo.rand(20, 20))
---print(mnemo.print_options().precision)
---mnemo.print_options { precision = 4, threshold = 0 }
---```
---@param options? mnemo.print_options.Options
---@return table
function mnemo.print_options(options) end

---A tensor of the numbers in a list, or in lists of lists of equal lengths.
---
---```lua
---print(mnemo.tensor{{1, 2}, {3, 4}})
---```
---@param table table|number The numbers.
---@return mnemo.Tensor
function mnemo.tensor(table) end

---An integer tensor of the numbers in a list, or in lists of lists.
---
---```lua
---print(mnemo.int_tensor{3, 1, 2})
---```
---@param table table|integer The numbers.
---@return mnemo.IntTensor
function mnemo.int_tensor(table) end

---Zeros.
---
---```lua
---print(mnemo.zeros(2, 3))
---```
---@param ... integer|integer[]
---@return mnemo.Tensor
function mnemo.zeros(...) end

---Ones.
---
---```lua
---print(mnemo.ones(3))
---```
---@param ... integer|integer[]
---@return mnemo.Tensor
function mnemo.ones(...) end

---One number everywhere.
---
---```lua
---print(mnemo.full(2, 2, 0.5))
---```
---@param ... integer|integer[]|number
---@return mnemo.Tensor
function mnemo.full(...) end

---The identity matrix.
---
---```lua
---print(mnemo.eye(2))
---```
---@param n integer Its size.
---@return mnemo.Tensor
function mnemo.eye(n) end

---first, first + step, … up to and including last where it is reached; with one number n alone, 1 to n, where PyTorch counts from 0 to n - 1.
---
---```lua
---print(mnemo.arange(5))
---print(mnemo.arange(0, 1, 0.25))
---```
---@param first number The first number; alone, the last.
---@param last? number The end, included where a step reaches it. Default: first, counting from 1.
---@param step? number Their distance, negative to count down. Default: 1.
---@return mnemo.Tensor
function mnemo.arange(first, last, step) end

---n evenly spaced numbers, both ends included.
---
---```lua
---print(mnemo.linspace(0, 1, 5))
---```
---@param a number The first number.
---@param b number The last.
---@param n integer How many.
---@return mnemo.Tensor
function mnemo.linspace(a, b, n) end

---Rows of zeros with a 1 at each id.
---
---```lua
---print(mnemo.one_hot(mnemo.int_tensor{2, 1}, 3))
---```
---@param ids mnemo.IntTensor Of any shape, from 1.
---@param n integer Length of a row.
---@return mnemo.Tensor
function mnemo.one_hot(ids, n) end

---Elements of a where the mask is not 0, else of b; all broadcast.
---
---```lua
---print(mnemo.where(mnemo.tensor{1, 0}, 5, -5))
---```
---@param mask mnemo.Tensor 0 or not, as comparisons give it.
---@param a mnemo.Tensor|number Taken where the mask is not 0.
---@param b mnemo.Tensor|number Taken where it is 0.
---@return mnemo.Tensor
function mnemo.where(mask, a, b) end

---Zeros in the shape of a tensor.
---
---```lua
---print(mnemo.zeros_like(mnemo.eye(2)))
---```
---@param x mnemo.Tensor|mnemo.IntTensor Whose shape it has; the result is of the same class.
---@return mnemo.Tensor|mnemo.IntTensor
function mnemo.zeros_like(x) end

---Ones in the shape of a tensor.
---
---```lua
---print(mnemo.ones_like(mnemo.int_tensor{3, 1, 2}))
---```
---@param x mnemo.Tensor|mnemo.IntTensor Whose shape it has; the result is of the same class.
---@return mnemo.Tensor|mnemo.IntTensor
function mnemo.ones_like(x) end

---One number everywhere, in the shape of a tensor.
---
---```lua
---print(mnemo.full_like(mnemo.eye(2), 0.5))
---```
---@param x mnemo.Tensor|mnemo.IntTensor Whose shape it has; the result is of the same class.
---@param value number An integer if x is an IntTensor.
---@return mnemo.Tensor|mnemo.IntTensor
function mnemo.full_like(x, value) end

---Zeros, as integers.
---
---```lua
---print(mnemo.int_zeros(2, 3))
---```
---@param ... integer|integer[]
---@return mnemo.IntTensor
function mnemo.int_zeros(...) end

---One integer everywhere.
---
---```lua
---print(mnemo.int_full(2, 2, 7))
---```
---@param ... integer|integer[]|integer
---@return mnemo.IntTensor
function mnemo.int_full(...) end

---first, first + step, … up to and including last where it is reached, as integers; with one number n alone, the ids 1 to n.
---
---```lua
---print(mnemo.int_arange(5))
---```
---@param first integer The first integer; alone, the last.
---@param last? integer The end, included where a step reaches it. Default: first, counting from 1.
---@param step? integer Their distance, negative to count down. Default: 1.
---@return mnemo.IntTensor
function mnemo.int_arange(first, last, step) end

---Tensors, or IntTensors, joined along a dimension.
---
---```lua
---print(mnemo.cat{mnemo.ones(2), mnemo.zeros(1)})
---```
---@param list mnemo.Tensor[]|mnemo.IntTensor[] Of equal shapes but for that dimension.
---@param d? integer The dimension, from 1. Default: 1.
---@return mnemo.Tensor|mnemo.IntTensor
function mnemo.cat(list, d) end

---Tensors, or IntTensors, of one shape joined along a new dimension.
---
---```lua
---print(mnemo.stack({mnemo.int_tensor{1, 2}, mnemo.int_tensor{3, 4}}, 2))
---```
---@param list mnemo.Tensor[]|mnemo.IntTensor[] Of one shape.
---@param d? integer Where the new dimension stands in the result, from 1. Default: 1.
---@return mnemo.Tensor|mnemo.IntTensor
function mnemo.stack(list, d) end

---@class (exact) mnemo.rand.Options
---@field seed? integer Decides these numbers. Default: follows mnemo.seed.

---Uniform random numbers in [0, 1). They follow mnemo.seed, or a seed given last: {seed = n}.
---
---```lua
---print(mnemo.rand(2, 3, {seed = 1}))
---```
---@param ... integer|integer[]|mnemo.rand.Options
---@return mnemo.Tensor
function mnemo.rand(...) end

---@class (exact) mnemo.randn.Options
---@field seed? integer Decides these numbers. Default: follows mnemo.seed.

---Standard normal random numbers. They follow mnemo.seed, or a seed given last: {seed = n}.
---
---```lua
---print(mnemo.randn(2, 3, {seed = 1}))
---```
---@param ... integer|integer[]|mnemo.randn.Options
---@return mnemo.Tensor
function mnemo.randn(...) end

---@class (exact) mnemo.rand_like.Options
---@field seed? integer Decides these numbers. Default: follows mnemo.seed.

---Uniform random numbers in [0, 1), in the shape of a tensor. They follow mnemo.seed, or a seed given last: {seed = n}.
---
---```lua
---print(mnemo.rand_like(mnemo.eye(2), {seed = 1}))
---```
---@param x mnemo.Tensor Whose shape they have.
---@param options? mnemo.rand_like.Options
---@return mnemo.Tensor
function mnemo.rand_like(x, options) end

---@class (exact) mnemo.randn_like.Options
---@field seed? integer Decides these numbers. Default: follows mnemo.seed.

---Standard normal random numbers, in the shape of a tensor. They follow mnemo.seed, or a seed given last: {seed = n}.
---
---```lua
---print(mnemo.randn_like(mnemo.eye(2), {seed = 1}))
---```
---@param x mnemo.Tensor Whose shape they have.
---@param options? mnemo.randn_like.Options
---@return mnemo.Tensor
function mnemo.randn_like(x, options) end

---@class (exact) mnemo.randint.Options
---@field seed? integer Decides these numbers. Default: follows mnemo.seed.

---Uniform random integers from low to high, both included, as with Lua's math.random. They follow mnemo.seed, or a seed given last: {seed = n}.
---
---```lua
---print(mnemo.randint(1, 6, 2, 3, {seed = 1}))
---```
---@param low integer The smallest.
---@param high integer The largest; PyTorch's is never drawn.
---@param ... integer|integer[]|mnemo.randint.Options
---@return mnemo.IntTensor
function mnemo.randint(low, high, ...) end

---@class (exact) mnemo.randperm.Options
---@field seed? integer Decides these numbers. Default: follows mnemo.seed.

---The ids 1 to n in random order, every order as likely. They follow mnemo.seed, or a seed given last: {seed = n}.
---
---```lua
---print(mnemo.randperm(5, {seed = 1}))
---```
---@param n integer How many.
---@param options? mnemo.randperm.Options
---@return mnemo.IntTensor # [n]
function mnemo.randperm(n, options) end

---@class (exact) mnemo.multinomial.Options
---@field seed? integer Decides these numbers. Default: follows mnemo.seed.

---Ids from 1 on, drawn by weights, in each row by itself where there are several. They follow mnemo.seed, or a seed given last: {seed = n}.
---
---```lua
---print(mnemo.multinomial(mnemo.tensor{0.7, 0.2, 0.1}, 8, true, {seed = 1}))
---```
---@param weights mnemo.Tensor [k] or [rows, k], finite, not negative, in no row all 0; they need not sum to 1.
---@param n integer How many ids, in each row.
---@param replacement? boolean Whether an id can be drawn again. Default: false.
---@param options? mnemo.multinomial.Options
---@return mnemo.IntTensor # [n] or [rows, n], in the order of the draws
function mnemo.multinomial(weights, n, replacement, options) end

---@class (exact) mnemo.train.Options
---@field model mnemo.Model|mnemo.Model[] Changed in place; those of a list are trained side by side.
---@field data mnemo.Task|table A task; or a table with a function batch(self, size, index), which gives tokens and targets, or with a loss of one's own anything; or one batch for all steps. Step s, counted from 0, takes index s + 1. One for all models, or a list of as many.
---@field steps integer Number of updates.
---@field batch_size? integer Sequences in a batch. Default: 64.
---@field optimizer mnemo.Optimizer|table The update rule; or one written in Lua, a table with a function step(self, parameters, step), called inside no_grad, which changes the trained parameters in place by their grad; step counts from 0.
---@field loss? function In place of the next token's: from the model and a batch to a 0-dimensional tensor that requires gradients.
---@field loss_on? "all"|"outputs"|"repeats"|function Positions that count: every one, those of triggers (occurrence 1 or more), or those of triggers seen before (2 or more); or a function from a batch to weights of its targets' shape; a batch that by chance has none makes a step without a loss (NaN), in which nothing changes. Default: "all".
---@field eval_every? integer Steps between records. Default: 10.
---@field probes? table Name to function of the context; each returns a number, a 0-dimensional tensor, or a table of them by key, whose columns are name.key; for a list of models also a list of as many such tables.
---@field at? table Step, counted from 0, to function of the model, called before it.
---@field on_record? function Called with each record when it is made, and the run, which ends there if it returns false.
---@field stop? function Called like on_record, after it; the run ends there if it returns true.
---@field clip_norm? number Largest norm of all gradients together.
---@field checkpoint_every? integer Steps between checkpoints in dir, each in the place of the one before. Default: at the end only.
---@field checkpoints? "log"|integer[] Steps whose checkpoints in dir are kept, counted from 0: a list, or "log" for 0, 1, 2, 4, 8 …; run:model_at(step) loads them. Default: none but the newest.
---@field dir? string|string[] Folder for run.json, history.jsonl and model.safetensors, written as they come; for a list of models the folders 1, 2, … in it, or a list of as many; it belongs to one run at a time, and one that holds a run is refused.
---@field resume? string|string[] In place of dir: a folder whose run goes on from its last checkpoint up to steps, as if it had never stopped; all other settings must be those that it began with. Where there is no checkpoint yet, a run begins.
---@field overwrite? boolean Whether a run that dir holds is replaced, when the first record is made. Default: false.
---@field store? string File of runs, docs/runs.md, that records are written into as they come, on a thread of its own; made if it is not there. Default: that of the sweep it runs in, or none.
---@field progress? boolean Whether progress is told on standard error. Default: true.

---Trains a model. A record (step, loss, every probe) is made every eval_every steps, counted from 0, and after the last. Ctrl-C ends the loop after the current step and returns the run; a second one, whenever it comes, ends the script. If the loss is no longer a number, or more than 100 times both the first loss and that of a uniform guess, log vocab, training has diverged: it stops with an error, and the model returns to the last record whose loss was below the first, or to the beginning; a loss of one's own may grow without bound. Models of a list are trained side by side, each step on one thread where there are enough of them; what is written in Lua is called for one after the other. Each gives the numbers that it gives alone. An error in one ends all, and says which model it was. What is in dir goes on in another process by resume. docs/training.md shows all of it, and loops without mnemo.train.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 32, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 32, seed = 1}
---local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, loss_on = "repeats"}
---print(run:table())
---
---local models = {}
---for seed = 1, 2 do
---  models[seed] = mnemo.model.simplified{vocab = 65, dim = 16, max_len = 32, seed = seed}
---end
---local runs = mnemo.train{model = models, data = task, steps = 3, batch_size = 4,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, loss_on = "repeats"}
---print(mnemo.runs.spread(mnemo.runs.last(runs, "loss")))
---```
---@param options mnemo.train.Options
---@return mnemo.Run|mnemo.Run[] # the run; for a list of models the list of their runs
function mnemo.train(options) end

---The numbers 1 to n for a loop, with a bar on the terminal as mnemo.train's: for step in mnemo.progress(100, "fitting") do … end. Ctrl-C ends the loop after its round, and the script goes on behind it; a second one ends the script at once.
---
---```lua
---local sum = 0
---for i in mnemo.progress(10, "adding") do sum = sum + i end
---print(sum)
---```
---@param n integer How many rounds.
---@param text? string What the bar says first. Default: nothing.
---@return mnemo.Progress # called for each number
---@return any|nil ... # what a for wants beside it
function mnemo.progress(n, text) end

---Sums of products by Einstein's notation. A letter stands for each dimension of each operand; the result's element at some letters after -> is the sum over all other letters of the operands' elements' product. A letter that stands twice in an operand means its diagonal. Without -> the result has the letters that stand once in all, in alphabetical order, capital ones first. A product of two operands is one of matrices; up to six are multiplied in the order that takes the fewest multiplications. What only rearranges an operand is a view of it. Sizes of one letter are equal, 1 does not broadcast.
---
---```lua
---local A, B = mnemo.ones(2, 3), mnemo.ones(3, 4)
---print(mnemo.einsum("ij,jk->ik", A, B))
---print(mnemo.einsum("ii", mnemo.eye(3)):item())
---```
---@param equation string A term of letters for each operand: "bij,bjk->bik".
---@param ... mnemo.Tensor
---@return mnemo.Tensor
function mnemo.einsum(equation, ...) end

---@class (exact) mnemo.grad.Options
---@field retain? boolean Whether the graph can be used again, for as long as its tensors are not changed in place. Default: false.
---@field gradient? mnemo.Tensor The gradient of what is differentiated with respect to this tensor, of its shape. Default: 1, for a scalar.

---The gradients of a tensor with respect to others, which may be anywhere in its graph: parameters, or tensors computed from them. It touches no grad, and walks, and uses up, only what leads to them. An error if the tensor does not depend on one of them. The gradients have no history: there are no second derivatives.
---
---```lua
---local w = mnemo.tensor{1, 2}:requires_grad(true)
---local hidden = w * w
---local gradients = mnemo.grad((hidden * 3):sum(), {w, hidden})
---print(gradients[1], gradients[2], w.grad)
---```
---@param loss mnemo.Tensor What is differentiated.
---@param tensors mnemo.Tensor[] With respect to these.
---@param options? mnemo.grad.Options
---@return mnemo.Tensor[] # a gradient for each, in this order
function mnemo.grad(loss, tensors, options) end

---What a file holds, by its ending: .npy (NumPy) one Tensor, or an IntTensor if its numbers are integers; .safetensors a table of them by name. Integers come as they are stored: ids count from what they counted from there. A file's header is checked in full before anything is read.
---
---```lua
---local path = os.tmpname() .. ".npy"
---mnemo.eye(2):save(path)
---print(mnemo.load(path))
---os.remove(path)
---```
---@param path string The file, ending in .npy or .safetensors.
---@return mnemo.Tensor|mnemo.IntTensor|table
function mnemo.load(path) end

---Makes a folder, and those it lies in, unless it is there, and checks that files can be written into it.
---
---```lua
---local folder = mnemo.make_folder "results/first"
---mnemo.eye(2):save(folder .. "/eye.npy")
---```
---@param path string The folder.
---@return string # the path
---@return string|nil # words for a run that it, or a folder up to two levels below, holds
function mnemo.make_folder(path) end

---Opens a store of runs and sweeps, an SQLite file that mnemo.train{store = …} or mnemo.sweep wrote, also while they write. docs/runs.md shows what is in it.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---print(#store:runs())
---```
---@param path string The file, which is there.
---@return mnemo.Store
function mnemo.store(path) end

---Splits a logit into what the embeddings, each head, each feed-forward and the norms' biases add to it, each by itself through the output matrix.
---
---The parts add up to the logit. Layer norms are taken at the scale that they have in this pass, so that they are linear; under `norm = "post"` a part goes through all those that come after it.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---local model = mnemo.model.transformer { vocab = task.vocab_size, dim = 16, heads = 2, seed = 1 }
---local batch = task:held_out(8)
---for _, part in ipairs(mnemo.attribution(model, batch.tokens, batch.targets)) do
---  print(part.name, part.head, (part.logit * batch.occurrence:ge(2)):mean():item())
---end
---```
---@param model mnemo.Model A built-in one, or one that shows "embeddings", "layers.0.attention_output", "layers.0.ff_output", … and has the built-in models' names for W_U and the norms; a custom one that shows "layers.0.heads" [B, T, H, d/H] and "layers.0.attention" too is split by heads.
---@param tokens mnemo.IntTensor Ids [B, T]; a list of ids or a text is one sequence.
---@param target mnemo.IntTensor|integer Whose logit: an id at each position, [B, T], or one for all.
---@return table[] # `{ name=, layer=, head=, logit= }` of each part in the order of the forward pass: its name as in model:trace, layer and head from 1 where it has them, and what it adds, [B, T]; beside them `logit`, the model's own, [B, T]
function mnemo.attribution(model, tokens, target) end

---Reads the residual stream as logits after each layer: what the model would answer if it ended there, through its last layer norm, where it has one, and its output matrix.
---
---The last entry is the model's own answer. Without cross-talk (`cross_talk = false`) the stream after the first layer is that layer's output alone.
---
---```lua
---local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
---local logits = mnemo.lens(model, mnemo.int_tensor { { 1, 5, 2 } })
---print(logits:log_softmax(4)[1][1][3])
---```
---@param model mnemo.Model A built-in one, or one that shows "embeddings" and "layers.0.residual", … and has the built-in models' names for W_U and the norm.
---@param tokens mnemo.IntTensor Ids [B, T]; a list of ids or a text is one sequence.
---@return mnemo.Tensor # logits [L + 1, B, T, N]: of the embeddings, then after each layer
function mnemo.lens(model, tokens) end

---@class (exact) mnemo.sweep.Options
---@field name string The sweep's name in the store.
---@field grid? table Name to a list of values; every combination is a point, names in alphabetical order, the last and then the seeds varying fastest; seeds alone will do.
---@field points? table[] The points themselves, in place of a grid.
---@field seeds? integer|table How many seeds, or a list; each point has then a `seed`.
---@field first_seed? integer The first, where it says how many. Default: 1.
---@field run function From a point's parameters to a table with names: numbers, texts, lists of them.
---@field store? string The file; made if it is not there. Default: "runs/store.sqlite".
---@field options? table What mnemo.arguments read: its workers, retry, force and overwrite hold where they are not given here.
---@field workers? integer Processes that work on it, this one among them; the others run the same script, and the threads are shared out. Default: 1.
---@field retry? boolean Whether points that failed are tried again. Default: false.
---@field force? boolean Whether to go on, with the results that there are, although the script, its arguments, the points or mnemo are others than those that the sweep was begun with. Default: false.
---@field overwrite? boolean Whether to begin anew in that case, without them. Default: false.
---@field stop_on_error? boolean Whether the first point that raises an error ends the sweep with it. Default: false.
---@field task? integer Which share of the points, 1 to tasks; else as --task says, or SLURM_ARRAY_TASK_ID.
---@field tasks? integer How many shares; else as --tasks says, or SLURM_ARRAY_TASK_COUNT.
---@field progress? boolean Whether progress is told on standard error. Default: true.

---Calls a function for each point of a grid and returns what came of them. Points are taken from a store, one at a time, by every process that works on the sweep; one whose process died is taken again, and one that raised an error is kept with it and not tried again. Ctrl-C gives the points at hand back and ends the script with status 130. Inside run, mnemo.train writes into the same store. With task and tasks, or in an array of Slurm's, the script works on its share of the points alone, in a store of its own beside the other, and ends then; `mnemo runs merge` joins them. docs/runs.md shows all of it.
---
---```lua
---local points = mnemo.sweep{name = "squares", grid = {x = {1, 2, 3}}, store = "squares.sqlite",
---  progress = false, run = function(point) return {y = point.x ^ 2} end}
---for _, point in ipairs(points) do print(point.x, point.y) end
---```
---@param options mnemo.sweep.Options
---@return table[] # the points in the order of the grid: parameters, what run returned, state ("done" or "failed") and error
function mnemo.sweep(options) end

---An array of Float32 numbers of any number of dimensions, with reverse-mode differentiation. t[i] is a view of row i, t[{{1, 3}, {}, 2}] one of ranges (from 1 to 3, all) and indices, one entry for each dimension, t[ids] the rows named by an IntTensor, t[mask] those where a Tensor of 0 and 1 is 1; each can be assigned to, and gradients come back to what was assigned. A loop of ipairs visits all rows, while t[i] of a row that is not there is an error. + - * / ^ % // broadcast as NumPy's do. Dimensions and indices count from 1, negative ones from the end. Numbers of 16 bits, from files or from half() and bfloat16(), can be read like any other but not changed or trained; what is computed from them is Float32.
---@class mnemo.Tensor
---@field grad mnemo.Tensor The gradient that backward() accumulated, or nil.
---@operator add(mnemo.Tensor|number): mnemo.Tensor
---@operator div(mnemo.Tensor|number): mnemo.Tensor
---@operator idiv(mnemo.Tensor|number): mnemo.Tensor
---@operator len: integer
---@operator mod(mnemo.Tensor|number): mnemo.Tensor
---@operator mul(mnemo.Tensor|number): mnemo.Tensor
---@operator pow(mnemo.Tensor|number): mnemo.Tensor
---@operator sub(mnemo.Tensor|number): mnemo.Tensor
---@operator unm: mnemo.Tensor
---@field [integer|mnemo.IntTensor] mnemo.Tensor A view of a row; the rows of these ids.
local Tensor = {}

---The size of each dimension.
---
---```lua
---print(table.unpack(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:shape()))
---```
---@return integer[]
function Tensor:shape() end

---The size of one dimension.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:size(-1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@return integer
function Tensor:size(d) end

---The number of dimensions.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:dim())
---```
---@return integer
function Tensor:dim() end

---The number of elements.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:numel())
---```
---@return integer
function Tensor:numel() end

---How the elements are stored: float32, float16, bfloat16 or int32.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:dtype())
---```
---@return string
function Tensor:dtype() end

---The only element of a tensor that has one, as a number.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}[1][2]:item())
---```
---@return number
function Tensor:item() end

---One element, as a number.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:get(1, 2))
---```
---@param ... integer
---@return number
function Tensor:get(...) end

---The elements as lists of lists; a number if there are no dimensions.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:totable()[2][1])
---```
---@return table
function Tensor:totable() end

---A view of a range of indices.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:narrow(2, 2, 2))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param first integer The first index.
---@param length integer How many.
---@return mnemo.Tensor
function Tensor:narrow(d, first, length) end

---A view at one index of a dimension, which disappears.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:select(2, 1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param i integer The index.
---@return mnemo.Tensor
function Tensor:select(d, i) end

---The tensor repeated to a shape by broadcasting, without copying; a size of -1 stays.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}[1]:expand(2, -1))
---```
---@param ... integer|integer[]
---@return mnemo.Tensor
function Tensor:expand(...) end

---A view with two dimensions exchanged.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:transpose(1, 2))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param e integer The other dimension.
---@return mnemo.Tensor
function Tensor:transpose(d, e) end

---The transpose of a matrix, a view.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:t())
---```
---@return mnemo.Tensor
function Tensor:t() end

---The same elements in another shape; one size may be -1, what is left.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:reshape(3, -1))
---```
---@param ... integer|integer[]
---@return mnemo.Tensor
function Tensor:reshape(...) end

---Elements chosen along a dimension: result[i][j] = t[i][ids[i][j]] for the last of two.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:gather(2, mnemo.int_tensor{{2}, {1}}))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Of t's shape but for that dimension.
---@return mnemo.Tensor
function Tensor:gather(d, ids) end

---The elements where a mask is not 0, in row-major order, as a vector.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:masked_select(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:gt(2)))
---```
---@param mask mnemo.Tensor 0/1 weights of t's shape.
---@return mnemo.Tensor
function Tensor:masked_select(mask) end

---This tensor if its elements lie side by side, else a copy.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:t():contiguous())
---```
---@return mnemo.Tensor
function Tensor:contiguous() end

---A copy with a storage of its own. Where gradients are recorded, that of a copy comes back as it is; detach():clone() cuts the history.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:clone())
---```
---@return mnemo.Tensor
function Tensor:clone() end

---A view with the dimensions in another order: dimension i of the result is the i-th of those named.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:unsqueeze(3):permute(3, 2, 1))
---```
---@param ... integer|integer[]
---@return mnemo.Tensor
function Tensor:permute(...) end

---A view without a dimension of size 1, or without all of them. A dimension of another size stays.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:narrow(1, 2, 1):squeeze())
---```
---@param d? integer A dimension, from 1 or, negative, from the end. Default: all of size 1.
---@return mnemo.Tensor
function Tensor:squeeze(d) end

---A view with a new dimension of size 1.
---
---```lua
---print(table.unpack(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:unsqueeze(1):shape()))
---```
---@param d integer Which of the result's it is; -1 behind all others.
---@return mnemo.Tensor
function Tensor:unsqueeze(d) end

---Some dimensions as one; a view where the elements lie side by side.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:flatten())
---```
---@param first? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@param last? integer A dimension, from 1 or, negative, from the end. Default: -1.
---@return mnemo.Tensor
function Tensor:flatten(first, last) end

---A view with a dimension as several, whose sizes have its product; one may be -1, what is left.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:flatten():unflatten(1, 3, -1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ... integer|integer[]
---@return mnemo.Tensor
function Tensor:unflatten(d, ...) end

---Every entry of a dimension repeated side by side: a, b becomes a, a, b, b. See tile for a, b, a, b.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:repeat_interleave(2, 1))
---```
---@param n integer|mnemo.IntTensor|integer[] How often, or a count for each entry.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: all elements as a vector.
---@return mnemo.Tensor
function Tensor:repeat_interleave(n, d) end

---The whole repeated along each dimension, as PyTorch's repeat does: a, b becomes a, b, a, b. Counts align with dimensions from the right.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:tile(2, 1))
---```
---@param ... integer|integer[]
---@return mnemo.Tensor
function Tensor:tile(...) end

---A list of views that follow each other along a dimension, of one size (the last may be smaller) or of several.
---
---```lua
---local left, right = table.unpack(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:split({1, 2}, 2))
---print(right)
---```
---@param size integer|integer[] Indices in each, or a list that adds up to the dimension.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@return mnemo.Tensor[] # views
function Tensor:split(size, d) end

---A list of n views of one size along a dimension; the last is smaller, and there may be fewer, where n does not divide it.
---
---```lua
---for _, rows in ipairs(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:chunk(2)) do print(rows) end
---```
---@param n integer How many.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@return mnemo.Tensor[] # views
function Tensor:chunk(n, d) end

---A list of views, one at every index of a dimension, which disappears.
---
---```lua
---local a, b, c = table.unpack(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:unbind(2))
---print(c)
---```
---@param d? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@return mnemo.Tensor[] # views
function Tensor:unbind(d) end

---A copy with dimensions from their ends to their beginnings.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:flip(2))
---```
---@param ... integer|integer[]
---@return mnemo.Tensor
function Tensor:flip(...) end

---A copy moved along a dimension; what leaves at one end comes in at the other.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:roll(1, 2))
---```
---@param shift integer By how many indices, negative to the beginning.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: all elements as a vector.
---@return mnemo.Tensor
function Tensor:roll(shift, d) end

---Writes the tensor into a file, by its ending: .npy (NumPy), or .safetensors, where it is named tensor. An earlier file is replaced at once or not at all.
---
---```lua
---local path = os.tmpname() .. ".npy"
---mnemo.eye(2):save(path)
---os.remove(path)
---```
---@param path string The file, ending in .npy or .safetensors.
function Tensor:save(path) end

---The same numbers in Float32: this tensor if they are, else a copy.
---
---```lua
---print(mnemo.tensor{0.1, 1000}:float())
---```
---@return mnemo.Tensor
function Tensor:float() end

---The nearest numbers of 16 bits, with 11 significant bits and up to 65504, in half the memory; without history. They can be read, not changed or trained.
---
---```lua
---print(mnemo.tensor{0.1, 1000}:half())
---```
---@return mnemo.Tensor
function Tensor:half() end

---The nearest numbers of 16 bits with the range of Float32 and 8 significant bits, in half the memory; without history. They can be read, not changed or trained.
---
---```lua
---print(mnemo.tensor{0.1, 1000}:bfloat16())
---```
---@return mnemo.Tensor
function Tensor:bfloat16() end

---The numbers as integers of 32 bits, without their fractions: rounded toward 0. nan, and what is too large, is an error.
---
---```lua
---print(mnemo.tensor{1.7, -1.7}:int())
---```
---@return mnemo.IntTensor
function Tensor:int() end

---Matrix product, with NumPy's rules for vectors and leading dimensions.
---
---```lua
---print(mnemo.eye(2):matmul(mnemo.ones(2, 3)))
---```
---@param other mnemo.Tensor
---@return mnemo.Tensor
function Tensor:matmul(other) end

---The product Σ x_i y_i of two vectors.
---
---```lua
---print(mnemo.ones(3):dot(mnemo.ones(3)):item())
---```
---@param other mnemo.Tensor
---@return mnemo.Tensor
function Tensor:dot(other) end

---The matrix x_i y_j of two vectors.
---
---```lua
---print(mnemo.ones(2):outer(mnemo.ones(3)))
---```
---@param other mnemo.Tensor
---@return mnemo.Tensor
function Tensor:outer(other) end

---e^x.
---
---```lua
---print(mnemo.tensor{0.5, 1}:exp())
---```
---@return mnemo.Tensor
function Tensor:exp() end

---e^x - 1, exact where x is small.
---
---```lua
---print(mnemo.tensor{0.5, 1}:expm1())
---```
---@return mnemo.Tensor
function Tensor:expm1() end

---Natural logarithm.
---
---```lua
---print(mnemo.tensor{0.5, 1}:log())
---```
---@return mnemo.Tensor
function Tensor:log() end

---Logarithm to the base 2.
---
---```lua
---print(mnemo.tensor{0.5, 1}:log2())
---```
---@return mnemo.Tensor
function Tensor:log2() end

---Logarithm to the base 10.
---
---```lua
---print(mnemo.tensor{0.5, 1}:log10())
---```
---@return mnemo.Tensor
function Tensor:log10() end

---log(1 + x), exact where x is small.
---
---```lua
---print(mnemo.tensor{0.5, 1}:log1p())
---```
---@return mnemo.Tensor
function Tensor:log1p() end

---Square root.
---
---```lua
---print(mnemo.tensor{0.5, 1}:sqrt())
---```
---@return mnemo.Tensor
function Tensor:sqrt() end

---1 / sqrt(x).
---
---```lua
---print(mnemo.tensor{0.5, 1}:rsqrt())
---```
---@return mnemo.Tensor
function Tensor:rsqrt() end

---1 / x.
---
---```lua
---print(mnemo.tensor{0.5, 1}:reciprocal())
---```
---@return mnemo.Tensor
function Tensor:reciprocal() end

---Absolute value.
---
---```lua
---print(mnemo.tensor{0.5, 1}:abs())
---```
---@return mnemo.Tensor
function Tensor:abs() end

---1 above 0, -1 below, 0 at 0 and of nan; the gradient is 0.
---
---```lua
---print(mnemo.tensor{0.5, 1}:sign())
---```
---@return mnemo.Tensor
function Tensor:sign() end

---The largest integer that is not above x; the gradient is 0.
---
---```lua
---print(mnemo.tensor{0.5, 1}:floor())
---```
---@return mnemo.Tensor
function Tensor:floor() end

---The smallest integer that is not below x; the gradient is 0.
---
---```lua
---print(mnemo.tensor{0.5, 1}:ceil())
---```
---@return mnemo.Tensor
function Tensor:ceil() end

---The nearest integer, of two as near the even one; the gradient is 0.
---
---```lua
---print(mnemo.tensor{0.5, 1}:round())
---```
---@return mnemo.Tensor
function Tensor:round() end

---Sine.
---
---```lua
---print(mnemo.tensor{0.5, 1}:sin())
---```
---@return mnemo.Tensor
function Tensor:sin() end

---Cosine.
---
---```lua
---print(mnemo.tensor{0.5, 1}:cos())
---```
---@return mnemo.Tensor
function Tensor:cos() end

---Hyperbolic tangent.
---
---```lua
---print(mnemo.tensor{0.5, 1}:tanh())
---```
---@return mnemo.Tensor
function Tensor:tanh() end

---The error function.
---
---```lua
---print(mnemo.tensor{0.5, 1}:erf())
---```
---@return mnemo.Tensor
function Tensor:erf() end

---1 / (1 + e^-x).
---
---```lua
---print(mnemo.tensor{0.5, 1}:sigmoid())
---```
---@return mnemo.Tensor
function Tensor:sigmoid() end

---x / (1 + e^-x), also called swish.
---
---```lua
---print(mnemo.tensor{0.5, 1}:silu())
---```
---@return mnemo.Tensor
function Tensor:silu() end

---log(1 + e^x), which never overflows.
---
---```lua
---print(mnemo.tensor{0.5, 1}:softplus())
---```
---@return mnemo.Tensor
function Tensor:softplus() end

---max(x, 0).
---
---```lua
---print(mnemo.tensor{0.5, 1}:relu())
---```
---@return mnemo.Tensor
function Tensor:relu() end

---x times the normal distribution function of x (the exact form).
---
---```lua
---print(mnemo.tensor{0.5, 1}:gelu())
---```
---@return mnemo.Tensor
function Tensor:gelu() end

---x².
---
---```lua
---print(mnemo.tensor{0.5, 1}:square())
---```
---@return mnemo.Tensor
function Tensor:square() end

---1 where x is not a number, else 0.
---
---```lua
---print(mnemo.tensor{0.5, 1}:isnan())
---```
---@return mnemo.Tensor
function Tensor:isnan() end

---1 where x is a number and not infinite, else 0.
---
---```lua
---print(mnemo.tensor{0.5, 1}:isfinite())
---```
---@return mnemo.Tensor
function Tensor:isfinite() end

---1 where x is infinite, else 0.
---
---```lua
---print(mnemo.tensor{0.5, 1}:isinf())
---```
---@return mnemo.Tensor
function Tensor:isinf() end

---x limited to a range, or on one side alone.
---
---```lua
---local x = mnemo.tensor{-2, 0.5, 3}
---print(x:clamp(0, 1), x:clamp(nil, 1))
---```
---@param low? number The lower limit; nil for none. Default: none.
---@param high? number The upper limit. Default: none.
---@return mnemo.Tensor
function Tensor:clamp(low, high) end

---x to the power of another, as x ^ y.
---
---```lua
---print(mnemo.tensor{1, 2}:pow(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:pow(other) end

---What division leaves, with the sign of the divisor, as x % y; nan where that is 0.
---
---```lua
---print(mnemo.tensor{1, 2}:remainder(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:remainder(other) end

---The quotient rounded down, as x // y; has no gradient.
---
---```lua
---print(mnemo.tensor{1, 2}:floor_divide(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:floor_divide(other) end

---The larger of two, elementwise.
---
---```lua
---print(mnemo.tensor{1, 2}:maximum(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:maximum(other) end

---The smaller of two, elementwise.
---
---```lua
---print(mnemo.tensor{1, 2}:minimum(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:minimum(other) end

---1 where equal, else 0. Of such results a * b is and, a:maximum(b) is or, 1 - a is not.
---
---```lua
---print(mnemo.tensor{1, 2}:eq(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:eq(other) end

---1 where different, else 0.
---
---```lua
---print(mnemo.tensor{1, 2}:ne(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:ne(other) end

---1 where less, else 0.
---
---```lua
---print(mnemo.tensor{1, 2}:lt(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:lt(other) end

---1 where less or equal, else 0.
---
---```lua
---print(mnemo.tensor{1, 2}:le(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:le(other) end

---1 where greater, else 0.
---
---```lua
---print(mnemo.tensor{1, 2}:gt(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:gt(other) end

---1 where greater or equal, else 0.
---
---```lua
---print(mnemo.tensor{1, 2}:ge(2))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor
function Tensor:ge(other) end

---The sum.
---
---```lua
---print(mnemo.ones(2, 3):sum(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:sum(d, keepdim) end

---The mean.
---
---```lua
---print(mnemo.ones(2, 3):mean(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:mean(d, keepdim) end

---The product.
---
---```lua
---print(mnemo.ones(2, 3):prod(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:prod(d, keepdim) end

---The variance, divided by n - 1.
---
---```lua
---print(mnemo.ones(2, 3):var(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:var(d, keepdim) end

---The standard deviation, the root of var.
---
---```lua
---print(mnemo.ones(2, 3):std(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:std(d, keepdim) end

---log Σ e^x.
---
---```lua
---print(mnemo.ones(2, 3):logsumexp(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:logsumexp(d, keepdim) end

---1 where any element is not 0, else 0; nan is not 0. Without gradient.
---
---```lua
---print(mnemo.ones(2, 3):any(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:any(d, keepdim) end

---1 where all elements are not 0, else 0; nan is not 0. Without gradient.
---
---```lua
---print(mnemo.ones(2, 3):all(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:all(d, keepdim) end

---(Σ |x|^p)^(1/p): for 2 the root of the sum of squares, for math.huge the largest |x|, for -math.huge the smallest, where equal ones share the gradient, for 0 the number of elements that are not 0, which has none.
---
---```lua
---print(mnemo.tensor{{3, 4}, {5, 12}}:norm(2, 2))
---```
---@param p? number Any number but nan. Default: 2.
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:norm(p, d, keepdim) end

---The largest element, nan where there is one; the gradient goes to the first of equals. Along a dimension the indices where they stand come second.
---
---```lua
---local values, indices = mnemo.tensor{{3, 5, 4}, {1, 2, 6}}:max(2)
---print(values, indices)
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.Tensor values
---@return mnemo.IntTensor|nil indices
function Tensor:max(d, keepdim) end

---The smallest element, nan where there is one; the gradient goes to the first of equals. Along a dimension the indices where they stand come second.
---
---```lua
---local values, indices = mnemo.tensor{{3, 5, 4}, {1, 2, 6}}:min(2)
---print(values, indices)
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.Tensor values
---@return mnemo.IntTensor|nil indices
function Tensor:min(d, keepdim) end

---The index of the largest element, the first of equals; of nan where there is one. Without a dimension it counts all elements in row-major order.
---
---```lua
---print(mnemo.tensor{{3, 5, 4}, {1, 2, 6}}:argmax(2))
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.IntTensor
function Tensor:argmax(d, keepdim) end

---The index of the smallest element, the first of equals; of nan where there is one. Without a dimension it counts all elements in row-major order.
---
---```lua
---print(mnemo.tensor{{3, 5, 4}, {1, 2, 6}}:argmin(2))
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.IntTensor
function Tensor:argmin(d, keepdim) end

---Along a dimension, the sum of each element and all before it.
---
---```lua
---print(mnemo.tensor{1, 2, 3}:cumsum(1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@return mnemo.Tensor # of the same shape
function Tensor:cumsum(d) end

---Whether |x - y| <= atol + rtol |y| for all elements x and y of the other. An infinite element is close to itself alone, nan to nothing.
---
---```lua
---print((mnemo.tensor{0.1} * 3):allclose(mnemo.tensor{0.3}))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@param rtol? number The relative tolerance. Default: 1e-5.
---@param atol? number The absolute tolerance. Default: 1e-8.
---@return boolean
function Tensor:allclose(other, rtol, atol) end

---e^x / Σ e^x along a dimension.
---
---```lua
---print(mnemo.tensor{0, 1}:softmax(1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@return mnemo.Tensor
function Tensor:softmax(d) end

---The logarithm of softmax along a dimension.
---
---```lua
---print(mnemo.tensor{0, 1}:log_softmax(1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@return mnemo.Tensor
function Tensor:log_softmax(d) end

---Layer normalisation over the last dimension, of size n: (x - mean) / sqrt(var + eps) * weight + bias, with mean and variance (divided by n) of each row.
---
---```lua
---print(mnemo.tensor{{1, 3}, {2, 8}}:layer_norm(mnemo.ones(2), mnemo.zeros(2)))
---```
---@param weight? mnemo.Tensor [n]. Default: all 1.
---@param bias? mnemo.Tensor [n]. Default: all 0.
---@param eps? number Keeps constant rows finite. Default: 1e-5.
---@return mnemo.Tensor # of the same shape
function Tensor:layer_norm(weight, bias, eps) end

---@class (exact) Tensor:cross_entropy.Options
---@field mask? mnemo.Tensor Weights [...]. Default: all 1.
---@field reduction? "mean"|"sum"|"none" Of all losses, or one for each place. Default: "mean".
---@field label_smoothing? number From 0 to 1. Default: 0.0.

---The mean cross-entropy, in nats, of logits [..., V] and the right answers: the losses of rows times their weights in the mask, summed and divided by the sum of the mask. Other reductions give the sum alone, or each row's loss. With label smoothing s the right answer counts 1 - s, and s is shared by all V answers.
---
---```lua
---local logits, targets = mnemo.zeros(2, 4), mnemo.int_tensor{1, 3}
---print(logits:cross_entropy(targets):item())
---print(logits:cross_entropy(targets, {reduction = "none", label_smoothing = 0.1}))
---```
---@param targets mnemo.IntTensor Ids [...], from 1.
---@param options? Tensor:cross_entropy.Options
---@return mnemo.Tensor # 0-dimensional, or [...]
function Tensor:cross_entropy(targets, options) end

---The elements in order along a dimension, and the indices where they stood, both of the tensor's shape. Equal elements keep their order. nan counts as the largest. The values have a gradient.
---
---```lua
---local values, indices = mnemo.tensor{3, 1, 2}:sort()
---print(values, indices)
---```
---@param d? integer The dimension. Default: the last.
---@param descending? boolean The largest first. Default: false.
---@return mnemo.Tensor values
---@return mnemo.IntTensor indices
function Tensor:sort(d, descending) end

---The indices of sort alone: where the elements stand in order along a dimension. Equal elements keep their order. nan counts as the largest.
---
---```lua
---print(mnemo.tensor{3, 1, 2}:argsort())
---```
---@param d? integer The dimension. Default: the last.
---@param descending? boolean The largest first. Default: false.
---@return mnemo.IntTensor
function Tensor:argsort(d, descending) end

---The k largest elements along a dimension, the largest first, and their indices, both of the tensor's shape but for k in that dimension. nan counts as the largest. The values have a gradient.
---
---```lua
---local values, indices = mnemo.tensor{3, 1, 2}:topk(2)
---print(values, indices)
---```
---@param k integer How many.
---@param d? integer The dimension. Default: the last.
---@param largest? boolean False for the smallest, smallest first. Default: true.
---@return mnemo.Tensor values
---@return mnemo.IntTensor indices
function Tensor:topk(k, d, largest) end

---The different elements in ascending order, a vector; for each element of the tensor the index of its value in that vector; and how often each value stands in the tensor. Without gradient. nan counts as the largest. All nan are one value.
---
---```lua
---local values, inverse, counts = mnemo.tensor{3, 1, 3}:unique()
---print(values[inverse], counts)
---```
---@return mnemo.Tensor values
---@return mnemo.IntTensor inverse # of the tensor's shape
---@return mnemo.IntTensor counts
function Tensor:unique() end

---The middle element in the order, the lower one of two; along a dimension the indices where they stand come second. nan where there is one. The gradient goes to the middle element. quantile(0.5) is the mean of two.
---
---```lua
---print(mnemo.tensor{4, 1, 3, 2}:median():item())
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.Tensor values
---@return mnemo.IntTensor|nil indices
function Tensor:median(d, keepdim) end

---What stands at a share q of the way through the order, 0 being the smallest element and 1 the largest; between two elements it is interpolated linearly, as NumPy and PyTorch do. nan where there is one. The gradient goes to these two elements.
---
---```lua
---print(mnemo.tensor{4, 1, 3, 2}:quantile({0.25, 0.5, 0.75}))
---```
---@param q number|number[] Within 0…1; of a list, the result has a first dimension with an entry for each.
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.Tensor
function Tensor:quantile(q, d, keepdim) end

---The same elements, shared, without history or gradient.
---
---```lua
---local x = mnemo.ones(2):requires_grad(true)
---print(x:detach():requires_grad())
---```
---@return mnemo.Tensor
function Tensor:detach() end

---With a flag: turns gradients on or off for a tensor that was not computed from others, and returns it. Without: whether they are on.
---
---```lua
---local x = mnemo.ones(2):requires_grad(true)
---print(x:requires_grad())
---```
---@param flag? boolean On or off.
---@return mnemo.Tensor|boolean
function Tensor:requires_grad(flag) end

---Whether a tensor was not computed from others that require gradients.
---
---```lua
---local x = mnemo.ones(2):requires_grad(true)
---print(x:is_leaf(), (x * 2):is_leaf())
---```
---@return boolean
function Tensor:is_leaf() end

---Lets backward() keep the gradient of a tensor that was computed from others in its grad, as it does for leaves.
---
---```lua
---local x = mnemo.tensor{1, 2}:requires_grad(true)
---local y = (x * x):retain_grad()
---local loss = (y * 3):sum()
---loss:backward()
---print(y.grad, x.grad)
---```
---@return mnemo.Tensor # the tensor itself
function Tensor:retain_grad() end

---@class (exact) Tensor:backward.Options
---@field retain? boolean Whether the graph can be used again, for as long as its tensors are not changed in place. Default: false.
---@field gradient? mnemo.Tensor The gradient of what is differentiated with respect to this tensor, of its shape. Default: 1, for a scalar.

---Adds the gradient of this tensor to the grad of everything it was computed from that requires one. The graph serves once, unless it is retained. Gradients have no history of their own: there are no second derivatives.
---
---```lua
---local x = mnemo.tensor{3}:requires_grad(true)
---local y = x * x
---y:sum():backward{retain = true}
---y:backward{gradient = mnemo.tensor{10}}
---print(x.grad:item())
---```
---@param options? Tensor:backward.Options
function Tensor:backward(options) end

---Sets every element to one number, in place.
---
---```lua
---print(mnemo.zeros(2):fill_(3))
---```
---@param value number
---@return mnemo.Tensor # the tensor itself
function Tensor:fill_(value) end

---Copies another tensor's elements, in place.
---
---```lua
---print(mnemo.zeros(2):copy_(3))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # the tensor itself
function Tensor:copy_(other) end

---Adds, in place.
---
---```lua
---print(mnemo.zeros(2):add_(3))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # the tensor itself
function Tensor:add_(other) end

---Multiplies, in place.
---
---```lua
---print(mnemo.zeros(2):mul_(3))
---```
---@param other mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # the tensor itself
function Tensor:mul_(other) end

---@class (exact) Tensor:normal_.Options
---@field mean? number Their mean. Default: 0.0.
---@field std? number Their standard deviation. Default: 1.0.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Sets every element to a normal random number, in place. They follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.zeros(2, 3):normal_{seed = 1})
---```
---@param options? Tensor:normal_.Options
---@return mnemo.Tensor # the tensor itself
function Tensor:normal_(options) end

---@class (exact) Tensor:uniform_.Options
---@field low? number The least. Default: 0.0.
---@field high? number The upper limit. Default: 1.0.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Sets every element to a uniform random number, in place. They follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.zeros(2, 3):uniform_{seed = 1})
---```
---@param options? Tensor:uniform_.Options
---@return mnemo.Tensor # the tensor itself
function Tensor:uniform_(options) end

---The elements on a diagonal and below it, 0 elsewhere; matrices lie in the last two dimensions.
---
---```lua
---print(mnemo.arange(9):reshape(3, 3):tril())
---```
---@param k? integer Which diagonal: 1 is the one above the main one, -1 the one below. Default: 0.
---@return mnemo.Tensor # a copy
function Tensor:tril(k) end

---The elements on a diagonal and above it, 0 elsewhere; matrices lie in the last two dimensions.
---
---```lua
---print(mnemo.arange(9):reshape(3, 3):triu())
---```
---@param k? integer Which diagonal: 1 is the one above the main one, -1 the one below. Default: 0.
---@return mnemo.Tensor # a copy
function Tensor:triu(k) end

---Of a vector, the square matrix with it on a diagonal and 0 elsewhere; of a matrix, that diagonal, a view.
---
---```lua
---print(mnemo.tensor{1, 2}:diag())
---print(mnemo.arange(9):reshape(3, 3):diag(1))
---```
---@param k? integer Which diagonal: 1 is the one above the main one, -1 the one below. Default: 0.
---@return mnemo.Tensor
function Tensor:diag(k) end

---A view of a diagonal of two dimensions, as the last dimension in place of both; empty where it misses them.
---
---```lua
---print(mnemo.arange(9):reshape(3, 3):diagonal(-1))
---```
---@param k? integer Which diagonal: 1 is the one above the main one, -1 the one below. Default: 0.
---@param d? integer The dimension of rows. Default: 1.
---@param e? integer The dimension of columns. Default: 2.
---@return mnemo.Tensor
function Tensor:diagonal(k, d, e) end

---The sum of a matrix's main diagonal.
---
---```lua
---print(mnemo.arange(9):reshape(3, 3):trace():item())
---```
---@return mnemo.Tensor # 0-dimensional
function Tensor:trace() end

---The indices of one dimension that ids name, in their order.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:index_select(2, {3, 1}))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, a vector; or a list of them.
---@return mnemo.Tensor
function Tensor:index_select(d, ids) end

---The tensor with a source added at the indices of one dimension that ids name; one that is named several times gets several summands.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:index_add(1, {2, 2}, mnemo.tensor{{1, 1, 1}, {2, 2, 2}}))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, a vector; or a list of them.
---@param source mnemo.Tensor Of t's shape, with as many indices there as ids name.
---@return mnemo.Tensor # a new tensor of t's shape
function Tensor:index_add(d, ids, source) end

---The tensor with elements replaced along a dimension: result[i][ids[i][j]] = source[i][j] for the last of two. Of those for one place, the last counts.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:scatter(2, mnemo.int_tensor{{2}, {1}}, 9))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, of t's shape but for that dimension.
---@param source mnemo.Tensor|number Of the shape of ids, or one number.
---@return mnemo.Tensor # a new tensor of t's shape
function Tensor:scatter(d, ids, source) end

---The tensor with summands added along a dimension: result[i][ids[i][j]] gets source[i][j] added for the last of two.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:scatter_add(2, mnemo.int_tensor{{2, 2}, {1, 1}}, 10))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, of t's shape but for that dimension.
---@param source mnemo.Tensor|number Of the shape of ids, or one number.
---@return mnemo.Tensor # a new tensor of t's shape
function Tensor:scatter_add(d, ids, source) end

---The tensor with a value where a mask is not 0.
---
---```lua
---print(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:masked_fill(mnemo.tensor{{1, 2, 3}, {4, 5, 6}}:gt(4), 0))
---```
---@param mask mnemo.Tensor 0 or not; broadcasts to t's shape.
---@param value mnemo.Tensor|number Broadcasts to t's shape.
---@return mnemo.Tensor # a new tensor of t's shape
function Tensor:masked_fill(mask, value) end

---The indices of the elements that are not 0, in row-major order.
---
---```lua
---print(mnemo.tensor{{0, 1}, {1, 0}}:nonzero())
---```
---@return mnemo.IntTensor # [n, dimensions]
function Tensor:nonzero() end

---An array of 32-bit integers of any number of dimensions: token ids (from 1), counts. t[i] is a view of row i, t[{{1, 3}, {}, 2}] one of ranges (from 1 to 3, all) and indices, one entry for each dimension, t[ids] the rows named by another, t[mask] those where a Tensor of 0 and 1 is 1; each can be assigned to. A loop of ipairs visits all rows. + - * // % broadcast, the last two as Lua's; / gives a Tensor.
---@class mnemo.IntTensor
---@operator add(mnemo.IntTensor|number): mnemo.IntTensor
---@operator div(mnemo.IntTensor|number): mnemo.IntTensor
---@operator idiv(mnemo.IntTensor|number): mnemo.IntTensor
---@operator len: integer
---@operator mod(mnemo.IntTensor|number): mnemo.IntTensor
---@operator mul(mnemo.IntTensor|number): mnemo.IntTensor
---@operator sub(mnemo.IntTensor|number): mnemo.IntTensor
---@operator unm: mnemo.IntTensor
---@field [integer|mnemo.IntTensor] mnemo.IntTensor A view of a row; the rows of these ids.
local IntTensor = {}

---The size of each dimension.
---
---```lua
---print(table.unpack(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:shape()))
---```
---@return integer[]
function IntTensor:shape() end

---The size of one dimension.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:size(-1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@return integer
function IntTensor:size(d) end

---The number of dimensions.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:dim())
---```
---@return integer
function IntTensor:dim() end

---The number of elements.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:numel())
---```
---@return integer
function IntTensor:numel() end

---How the elements are stored: float32, float16, bfloat16 or int32.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:dtype())
---```
---@return string
function IntTensor:dtype() end

---The only element of a tensor that has one, as a number.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}[1][2]:item())
---```
---@return number
function IntTensor:item() end

---One element, as a number.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:get(1, 2))
---```
---@param ... integer
---@return number
function IntTensor:get(...) end

---The elements as lists of lists; a number if there are no dimensions.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:totable()[2][1])
---```
---@return table
function IntTensor:totable() end

---A view of a range of indices.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:narrow(2, 2, 2))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param first integer The first index.
---@param length integer How many.
---@return mnemo.IntTensor
function IntTensor:narrow(d, first, length) end

---A view at one index of a dimension, which disappears.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:select(2, 1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param i integer The index.
---@return mnemo.IntTensor
function IntTensor:select(d, i) end

---The tensor repeated to a shape by broadcasting, without copying; a size of -1 stays.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}[1]:expand(2, -1))
---```
---@param ... integer|integer[]
---@return mnemo.IntTensor
function IntTensor:expand(...) end

---A view with two dimensions exchanged.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:transpose(1, 2))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param e integer The other dimension.
---@return mnemo.IntTensor
function IntTensor:transpose(d, e) end

---The transpose of a matrix, a view.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:t())
---```
---@return mnemo.IntTensor
function IntTensor:t() end

---The same elements in another shape; one size may be -1, what is left.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:reshape(3, -1))
---```
---@param ... integer|integer[]
---@return mnemo.IntTensor
function IntTensor:reshape(...) end

---Elements chosen along a dimension: result[i][j] = t[i][ids[i][j]] for the last of two.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:gather(2, mnemo.int_tensor{{2}, {1}}))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Of t's shape but for that dimension.
---@return mnemo.IntTensor
function IntTensor:gather(d, ids) end

---The elements where a mask is not 0, in row-major order, as a vector.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:masked_select(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:gt(2)))
---```
---@param mask mnemo.Tensor 0/1 weights of t's shape.
---@return mnemo.IntTensor
function IntTensor:masked_select(mask) end

---This tensor if its elements lie side by side, else a copy.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:t():contiguous())
---```
---@return mnemo.IntTensor
function IntTensor:contiguous() end

---A copy with a storage of its own. Where gradients are recorded, that of a copy comes back as it is; detach():clone() cuts the history.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:clone())
---```
---@return mnemo.IntTensor
function IntTensor:clone() end

---A view with the dimensions in another order: dimension i of the result is the i-th of those named.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:unsqueeze(3):permute(3, 2, 1))
---```
---@param ... integer|integer[]
---@return mnemo.IntTensor
function IntTensor:permute(...) end

---A view without a dimension of size 1, or without all of them. A dimension of another size stays.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:narrow(1, 2, 1):squeeze())
---```
---@param d? integer A dimension, from 1 or, negative, from the end. Default: all of size 1.
---@return mnemo.IntTensor
function IntTensor:squeeze(d) end

---A view with a new dimension of size 1.
---
---```lua
---print(table.unpack(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:unsqueeze(1):shape()))
---```
---@param d integer Which of the result's it is; -1 behind all others.
---@return mnemo.IntTensor
function IntTensor:unsqueeze(d) end

---Some dimensions as one; a view where the elements lie side by side.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:flatten())
---```
---@param first? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@param last? integer A dimension, from 1 or, negative, from the end. Default: -1.
---@return mnemo.IntTensor
function IntTensor:flatten(first, last) end

---A view with a dimension as several, whose sizes have its product; one may be -1, what is left.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:flatten():unflatten(1, 3, -1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ... integer|integer[]
---@return mnemo.IntTensor
function IntTensor:unflatten(d, ...) end

---Every entry of a dimension repeated side by side: a, b becomes a, a, b, b. See tile for a, b, a, b.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:repeat_interleave(2, 1))
---```
---@param n integer|mnemo.IntTensor|integer[] How often, or a count for each entry.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: all elements as a vector.
---@return mnemo.IntTensor
function IntTensor:repeat_interleave(n, d) end

---The whole repeated along each dimension, as PyTorch's repeat does: a, b becomes a, b, a, b. Counts align with dimensions from the right.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:tile(2, 1))
---```
---@param ... integer|integer[]
---@return mnemo.IntTensor
function IntTensor:tile(...) end

---A list of views that follow each other along a dimension, of one size (the last may be smaller) or of several.
---
---```lua
---local left, right = table.unpack(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:split({1, 2}, 2))
---print(right)
---```
---@param size integer|integer[] Indices in each, or a list that adds up to the dimension.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@return mnemo.IntTensor[] # views
function IntTensor:split(size, d) end

---A list of n views of one size along a dimension; the last is smaller, and there may be fewer, where n does not divide it.
---
---```lua
---for _, rows in ipairs(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:chunk(2)) do print(rows) end
---```
---@param n integer How many.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@return mnemo.IntTensor[] # views
function IntTensor:chunk(n, d) end

---A list of views, one at every index of a dimension, which disappears.
---
---```lua
---local a, b, c = table.unpack(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:unbind(2))
---print(c)
---```
---@param d? integer A dimension, from 1 or, negative, from the end. Default: 1.
---@return mnemo.IntTensor[] # views
function IntTensor:unbind(d) end

---A copy with dimensions from their ends to their beginnings.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:flip(2))
---```
---@param ... integer|integer[]
---@return mnemo.IntTensor
function IntTensor:flip(...) end

---A copy moved along a dimension; what leaves at one end comes in at the other.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:roll(1, 2))
---```
---@param shift integer By how many indices, negative to the beginning.
---@param d? integer A dimension, from 1 or, negative, from the end. Default: all elements as a vector.
---@return mnemo.IntTensor
function IntTensor:roll(shift, d) end

---The indices of one dimension that ids name, in their order.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:index_select(2, {3, 1}))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, a vector; or a list of them.
---@return mnemo.IntTensor
function IntTensor:index_select(d, ids) end

---The tensor with a source added at the indices of one dimension that ids name; one that is named several times gets several summands.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:index_add(1, {2, 2}, mnemo.int_tensor{{1, 1, 1}, {2, 2, 2}}))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, a vector; or a list of them.
---@param source mnemo.IntTensor Of t's shape, with as many indices there as ids name.
---@return mnemo.IntTensor # a new tensor of t's shape
function IntTensor:index_add(d, ids, source) end

---The tensor with elements replaced along a dimension: result[i][ids[i][j]] = source[i][j] for the last of two. Of those for one place, the last counts.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:scatter(2, mnemo.int_tensor{{2}, {1}}, 9))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, of t's shape but for that dimension.
---@param source mnemo.IntTensor|number Of the shape of ids, or one number.
---@return mnemo.IntTensor # a new tensor of t's shape
function IntTensor:scatter(d, ids, source) end

---The tensor with summands added along a dimension: result[i][ids[i][j]] gets source[i][j] added for the last of two.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:scatter_add(2, mnemo.int_tensor{{2, 2}, {1, 1}}, 10))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@param ids mnemo.IntTensor Indices, of t's shape but for that dimension.
---@param source mnemo.IntTensor|number Of the shape of ids, or one number.
---@return mnemo.IntTensor # a new tensor of t's shape
function IntTensor:scatter_add(d, ids, source) end

---The tensor with a value where a mask is not 0.
---
---```lua
---print(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:masked_fill(mnemo.int_tensor{{1, 2, 3}, {4, 5, 6}}:gt(4), 0))
---```
---@param mask mnemo.Tensor 0 or not; broadcasts to t's shape.
---@param value mnemo.IntTensor|number Broadcasts to t's shape.
---@return mnemo.IntTensor # a new tensor of t's shape
function IntTensor:masked_fill(mask, value) end

---The indices of the elements that are not 0, in row-major order.
---
---```lua
---print(mnemo.int_tensor{{0, 1}, {1, 0}}:nonzero())
---```
---@return mnemo.IntTensor # [n, dimensions]
function IntTensor:nonzero() end

---The sum; leaving the range of 32 bits is an error.
---
---```lua
---print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:sum(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.IntTensor
function IntTensor:sum(d, keepdim) end

---The product; leaving the range of 32 bits is an error.
---
---```lua
---print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:prod(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.IntTensor
function IntTensor:prod(d, keepdim) end

---The mean, in Float32.
---
---```lua
---print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:mean(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function IntTensor:mean(d, keepdim) end

---1 where any element is not 0, else 0.
---
---```lua
---print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:any(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function IntTensor:any(d, keepdim) end

---1 where all elements are not 0, else 0.
---
---```lua
---print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:all(2))
---```
---@param d? integer|integer[] The dimension to reduce, or a list of several. Default: everything.
---@param keepdim? boolean Whether they stay, with size 1. Default: false.
---@return mnemo.Tensor
function IntTensor:all(d, keepdim) end

---The largest element, the first of equals. Along a dimension the indices where they stand come second.
---
---```lua
---local values, indices = mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:max(2)
---print(values, indices)
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.IntTensor values
---@return mnemo.IntTensor|nil indices
function IntTensor:max(d, keepdim) end

---The smallest element, the first of equals. Along a dimension the indices where they stand come second.
---
---```lua
---local values, indices = mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:min(2)
---print(values, indices)
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.IntTensor values
---@return mnemo.IntTensor|nil indices
function IntTensor:min(d, keepdim) end

---The index of the largest element, the first of equals. Without a dimension it counts all elements in row-major order.
---
---```lua
---print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:argmax(2))
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.IntTensor
function IntTensor:argmax(d, keepdim) end

---The index of the smallest element, the first of equals. Without a dimension it counts all elements in row-major order.
---
---```lua
---print(mnemo.int_tensor{{3, 5, 4}, {1, 2, 6}}:argmin(2))
---```
---@param d? integer The dimension to reduce. Default: everything.
---@param keepdim? boolean Whether it stays, with size 1. Default: false.
---@return mnemo.IntTensor
function IntTensor:argmin(d, keepdim) end

---Along a dimension, the sum of each element and all before it; leaving the range of 32 bits is an error.
---
---```lua
---print(mnemo.int_tensor{1, 2, 3}:cumsum(1))
---```
---@param d integer A dimension, from 1 or, negative, from the end.
---@return mnemo.IntTensor # of the same shape
function IntTensor:cumsum(d) end

---How often each number from 1 on stands in the tensor, up to the largest: entry i counts the elements that are i. With weights it adds up theirs, with a gradient.
---
---```lua
---print(mnemo.int_tensor{1, 3, 3}:bincount())
---```
---@param n? integer The result has at least so many entries. Default: 0.
---@param weights? mnemo.Tensor Of the tensor's shape. Default: every element counts 1.
---@return mnemo.IntTensor|mnemo.Tensor # a vector
function IntTensor:bincount(n, weights) end

---The elements in order along a dimension, and the indices where they stood, both of the tensor's shape. Equal elements keep their order.
---
---```lua
---local values, indices = mnemo.int_tensor{3, 1, 2}:sort()
---print(values, indices)
---```
---@param d? integer The dimension. Default: the last.
---@param descending? boolean The largest first. Default: false.
---@return mnemo.IntTensor values
---@return mnemo.IntTensor indices
function IntTensor:sort(d, descending) end

---The indices of sort alone: where the elements stand in order along a dimension. Equal elements keep their order.
---
---```lua
---print(mnemo.int_tensor{3, 1, 2}:argsort())
---```
---@param d? integer The dimension. Default: the last.
---@param descending? boolean The largest first. Default: false.
---@return mnemo.IntTensor
function IntTensor:argsort(d, descending) end

---The k largest elements along a dimension, the largest first, and their indices, both of the tensor's shape but for k in that dimension.
---
---```lua
---local values, indices = mnemo.int_tensor{3, 1, 2}:topk(2)
---print(values, indices)
---```
---@param k integer How many.
---@param d? integer The dimension. Default: the last.
---@param largest? boolean False for the smallest, smallest first. Default: true.
---@return mnemo.IntTensor values
---@return mnemo.IntTensor indices
function IntTensor:topk(k, d, largest) end

---The different elements in ascending order, a vector; for each element of the tensor the index of its value in that vector; and how often each value stands in the tensor. Without gradient.
---
---```lua
---local values, inverse, counts = mnemo.int_tensor{3, 1, 3}:unique()
---print(values[inverse], counts)
---```
---@return mnemo.IntTensor values
---@return mnemo.IntTensor inverse # of the tensor's shape
---@return mnemo.IntTensor counts
function IntTensor:unique() end

---Absolute value; leaving the range of 32 bits is an error.
---
---```lua
---print(mnemo.int_tensor{1, -2}:abs())
---```
---@return mnemo.IntTensor
function IntTensor:abs() end

---The larger of two, elementwise.
---
---```lua
---print(mnemo.int_tensor{1, 3}:maximum(2))
---```
---@param other mnemo.IntTensor|integer Broadcasts.
---@return mnemo.IntTensor
function IntTensor:maximum(other) end

---The smaller of two, elementwise.
---
---```lua
---print(mnemo.int_tensor{1, 3}:minimum(2))
---```
---@param other mnemo.IntTensor|integer Broadcasts.
---@return mnemo.IntTensor
function IntTensor:minimum(other) end

---Elements limited to a range; nil leaves an end open.
---
---```lua
---print(mnemo.int_tensor{-2, 1, 3}:clamp(0, 2))
---```
---@param low? integer  Default: no limit.
---@param high? integer  Default: no limit.
---@return mnemo.IntTensor
function IntTensor:clamp(low, high) end

---The elements as Float32, exact up to 2^24.
---
---```lua
---print(mnemo.int_tensor{1, 2}:tensor() / 2)
---```
---@return mnemo.Tensor
function IntTensor:tensor() end

---The same as tensor(), under the name that Tensor has for it.
---
---```lua
---print(mnemo.int_tensor{1, 2}:float() / 2)
---```
---@return mnemo.Tensor
function IntTensor:float() end

---Writes the tensor into a file, by its ending: .npy (NumPy), or .safetensors, where it is named tensor. An earlier file is replaced at once or not at all.
---
---```lua
---local path = os.tmpname() .. ".npy"
---mnemo.int_tensor{1, 2}:save(path)
---os.remove(path)
---```
---@param path string The file, ending in .npy or .safetensors.
function IntTensor:save(path) end

---1 where equal, else 0.
---
---```lua
---print(mnemo.int_tensor{1, 2}:eq(2))
---```
---@param other mnemo.IntTensor|mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # of 0 and 1
function IntTensor:eq(other) end

---1 where different, else 0.
---
---```lua
---print(mnemo.int_tensor{1, 2}:ne(2))
---```
---@param other mnemo.IntTensor|mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # of 0 and 1
function IntTensor:ne(other) end

---1 where less, else 0.
---
---```lua
---print(mnemo.int_tensor{1, 2}:lt(2))
---```
---@param other mnemo.IntTensor|mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # of 0 and 1
function IntTensor:lt(other) end

---1 where less or equal, else 0.
---
---```lua
---print(mnemo.int_tensor{1, 2}:le(2))
---```
---@param other mnemo.IntTensor|mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # of 0 and 1
function IntTensor:le(other) end

---1 where greater, else 0.
---
---```lua
---print(mnemo.int_tensor{1, 2}:gt(2))
---```
---@param other mnemo.IntTensor|mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # of 0 and 1
function IntTensor:gt(other) end

---1 where greater or equal, else 0.
---
---```lua
---print(mnemo.int_tensor{1, 2}:ge(2))
---```
---@param other mnemo.IntTensor|mnemo.Tensor|number Broadcasts.
---@return mnemo.Tensor # of 0 and 1
function IntTensor:ge(other) end

---@class (exact) IntTensor:random_.Options
---@field low? integer The smallest. Default: 1.
---@field high integer The largest.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Sets every element to a uniform random integer from low to high, both included, in place. They follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.int_zeros(2, 3):random_{high = 6, seed = 1})
---```
---@param options IntTensor:random_.Options
---@return mnemo.IntTensor # the tensor itself
function IntTensor:random_(options) end

---The rounds of a loop, for the for that mnemo.progress is in.
---@class mnemo.Progress
local Progress = {}

---A training run and what it measured.
---@class mnemo.Run
---@field history table[] One record for each measured step: step, loss, probes.
---@field step integer Number of updates made.
---@field status string "finished", "stopped" by stop or on_record, "interrupted" or "failed".
---@field model mnemo.Model The model.
---@field settings table The options, with defaults, of its model, task, optimizer and train, in tables of these names with kind, the constructor.
---@field checkpoints integer[] The steps of which its folder has a checkpoint, in order.
local Run = {}

---The values of one column of the history, as a list.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
---  optimizer = mnemo.optim.sgd{lr = 0.1}}
---print(table.concat(run:series("loss"), " "))
---```
---@param name string "step", "loss", a probe's name, or name.key of one that returns tables.
---@return number[]
function Run:series(name) end

---The history as a text table.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
---  optimizer = mnemo.optim.sgd{lr = 0.1}}
---print(run:table{"loss"})
---```
---@param names? string[] Columns beside step. Default: all.
---@return string
function Run:table(names) end

---@class (exact) Run:save.Options
---@field overwrite? boolean Whether another run in the folder is replaced. Default: false.

---Writes history.jsonl and model.safetensors into a folder, each at once or not at all. A folder that holds another run is refused.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
---  optimizer = mnemo.optim.sgd{lr = 0.1}}
---run:save("first")
---```
---@param dir? string The folder; made if it is not there. Default: the run's own.
---@param options? Run:save.Options
---@return mnemo.Run # the run itself
function Run:save(dir, options) end

---A figure of columns of the history over the steps.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
---  optimizer = mnemo.optim.sgd{lr = 0.1}}
---run:plot():save("loss.svg")
---```
---@param names? string[] The columns, and options of plot.lines by name. Default: loss and all probes.
---@return mnemo.Figure
function Run:plot(names) end

---A copy of the model as it was after so many updates, from a checkpoint in the run's folder: the newest, or one that was kept (checkpoints = "log").
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local run = mnemo.train{
---  model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1},
---  data = task, steps = 5, batch_size = 4, optimizer = mnemo.optim.sgd{lr = 0.1},
---  dir = "run", checkpoints = "log",
---}
---for _, step in ipairs(run.checkpoints) do
---  print(step, run:model_at(step):loss(task:held_out(8)):item())
---end
---```
---@param step integer The number of updates.
---@return mnemo.Model
function Run:model_at(step) end

---Goes on for more steps; also a run that mnemo.runs.load gave, if all that it was made of is built in.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---local run = mnemo.train{model = model, data = task, steps = 3, batch_size = 4,
---  optimizer = mnemo.optim.sgd{lr = 0.1}}
---print(run:resume(2).step)
---```
---@param steps? integer How many. Default: those that are left of what was asked for.
---@return mnemo.Run # the run itself
function Run:resume(steps) end

---What a probe sees of a step.
---@class mnemo.ProbeContext
---@field model mnemo.Model The model.
---@field batch mnemo.Batch The batch of the step; where data is a table, the one that it gave.
---@field logits mnemo.Tensor Model(batch.tokens), without gradient, computed once for all probes of a record.
---@field step integer Number of updates made.
---@field run mnemo.Run The run so far.
local ProbeContext = {}

---A file of runs and sweeps.
---@class mnemo.Store
---@field path string The file.
local Store = {}

---@class (exact) Store:runs.Options
---@field id? integer That run alone.
---@field state? "running"|"finished"|"stopped"|"interrupted"|"failed"|"lost" Those in this state alone.
---@field sweep? string Those of this sweep alone.
---@field script? string Those of scripts whose path ends so.
---@field limit? integer The latest so many. Default: all.

---The runs in the order in which they began. Each is a table: id, state (as a run's status, "running", or "lost" if its process ended without a word), started and ended in seconds since 1970, host, version, script, script_hash, command, folder, sweep and position in it, settings by part (model, task, optimizer, train, engine), step, and last, which has what each metric was last.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---for _, run in ipairs(store:runs{state = "finished"}) do
---  print(run.id, run.settings.optimizer.lr, run.last.loss)
---end
---```
---@param options? Store:runs.Options
---@return table[]
function Store:runs(options) end

---What a run measured: a record for each step, like a run's history, so that mnemo.runs takes {history = store:metrics(id)}.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---for _, record in ipairs(store:metrics(1)) do print(record.step, record.loss) end
---```
---@param id integer The run's number.
---@return table[]
function Store:metrics(id) end

---A metric of a run at some steps from the first to the last, each the latest value measured by then: for a small curve of a long run. Empty if it was measured at one step or none.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---print(#store:samples(1, "loss", 8))
---```
---@param id integer The run's number.
---@param name string The metric.
---@param count integer How many, 2 to 10000.
---@return number[]
function Store:samples(id, name, count) end

---The files that a run left in its folder: tables with kind ("history" or "model"), path and hash, the file's SHA-256 when the run ended.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---print(#store:artifacts(1))
---```
---@param id integer The run's number.
---@return table[]
function Store:artifacts(id) end

---Asks a question in SQL that only reads. The tables are runs, metrics, artifacts, sweeps and points, the views run_summary and sweep_results. NULL, which a NaN is there, is nil.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---local rows = store:sql("SELECT step, value FROM metrics WHERE name = ? ORDER BY step", {"loss"})
---print(rows[1].step, rows[1].value)
---```
---@param query string One statement.
---@param parameters? table What its ? stand for, or :name by name. Default: none.
---@return table[] # a table with the columns' names for each row
---@return string[] # the columns' names in order
function Store:sql(query, parameters) end

---Writes every measured value into a file, with the columns run, step, name and value: CSV, or JSON lines, by its ending. An earlier file is replaced at once.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---print(store:export("first.csv"))
---```
---@param path string The file, ending in .csv or .jsonl.
---@return integer # how many values there are
function Store:export(path) end

---The sweeps: tables with name, script, and how many points there are, done, failed, running and open.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1}
---mnemo.train{model = model, data = task, steps = 3, batch_size = 4, eval_every = 1,
---  optimizer = mnemo.optim.sgd{lr = 0.1}, store = "first.sqlite"}
---local store = mnemo.store "first.sqlite"
---print(#store:sweeps())
---```
---@return table[]
function Store:sweeps() end

---The points of a sweep in the order of its grid, as far as they are, also while it runs: tables with the parameters, what run returned, state ("open", "running", "done" or "failed") and the error of one that failed.
---
---```lua
---mnemo.sweep{name = "squares", grid = {x = {1, 2, 3}}, store = "squares.sqlite",
---  progress = false, run = function(point) return {y = point.x ^ 2} end}
---for _, point in ipairs(mnemo.store("squares.sqlite"):results("squares")) do
---  print(point.x, point.state, point.y)
---end
---```
---@param sweep string Its name.
---@return table[]
function Store:results(sweep) end

---Brings in the runs and sweeps of another store, which stays as it is: those of tasks that had a share of the points each. What is there already is not brought in twice.
---
---```lua
---for task = 1, 2 do
---  mnemo.sweep{name = "squares", grid = {x = {1, 2, 3}}, store = "task" .. task .. ".sqlite",
---    progress = false, run = function(point) return {y = point.x ^ 2} end}
---end
---print(mnemo.store("task1.sqlite"):merge("task2.sqlite"))
---```
---@param path string The other store.
---@return integer # how many runs came
---@return integer # of how many points a result, or an error, came
function Store:merge(path) end

---Corpora: symbols and their statistics, from which tasks draw tokens.
---@class mnemo.corpus
mnemo.corpus = {}

---The 65 characters of tiny Shakespeare, with the counts of its 1,115,394 characters.
---
---```lua
---print(mnemo.corpus.shakespeare().vocab_size)
---```
---@return mnemo.Corpus
function mnemo.corpus.shakespeare() end

---26 letters, drawn independently with English frequencies.
---
---```lua
---print(mnemo.corpus.letters().unigram)
---```
---@return mnemo.Corpus
function mnemo.corpus.letters() end

---n symbols of equal probability, drawn independently.
---
---```lua
---local corpus = mnemo.corpus.uniform(32)
---```
---@param n integer 2 or more.
---@return mnemo.Corpus
function mnemo.corpus.uniform(n) end

---n symbols, drawn independently, symbol z with a probability that falls as z^-alpha.
---
---```lua
---print(mnemo.corpus.zipf(4, 1).unigram)
---```
---@param n integer 2 or more.
---@param alpha number 0 or more.
---@return mnemo.Corpus
function mnemo.corpus.zipf(n, alpha) end

---The characters of a text, with its counts.
---
---```lua
---print(mnemo.corpus.text("abracadabra").vocab_size)
---```
---@param string string UTF-8, of two different characters or more.
---@return mnemo.Corpus
function mnemo.corpus.text(string) end

---The characters of a text file, with its counts.
---
---```lua
---io.open("tale.txt", "w"):write("once upon a time"):close()
---print(mnemo.corpus.file("tale.txt").vocab_size)
---```
---@param path string A file in UTF-8.
---@return mnemo.Corpus
function mnemo.corpus.file(path) end

---@class (exact) mnemo.corpus.counts.Options
---@field unigram? mnemo.Tensor|table How often each symbol occurs, [N]. Default: row sums of bigram.
---@field bigram? mnemo.Tensor|table Row i: how often each symbol follows symbol i, [N, N]. Default: independent symbols.

---Symbols numbered from 1, with these counts, of which at least one kind has to be given.
---
---```lua
---local corpus = mnemo.corpus.counts{bigram = {{0, 3}, {1, 1}}}
---```
---@param options? mnemo.corpus.counts.Options
---@return mnemo.Corpus
function mnemo.corpus.counts(options) end

---Symbols and their statistics, from which tasks draw tokens. Ids count from 1.
---@class mnemo.Corpus
---@field vocab_size integer Number of symbols, N.
---@field unigram mnemo.Tensor Probability of each symbol, [N].
---@field bigram mnemo.Tensor Row i: probability of what follows symbol i, [N, N].
---@field symbols string[] The symbol of each id.
local Corpus = {}

---The ids of a text's symbols.
---
---```lua
---print(mnemo.corpus.shakespeare():encode("to be"))
---```
---@param text string
---@return mnemo.IntTensor
function Corpus:encode(text) end

---The text of ids: an IntTensor or a list.
---
---```lua
---print(mnemo.corpus.letters():decode{3, 1, 2})
---```
---@param ids mnemo.IntTensor|table
---@return string
function Corpus:decode(ids) end

---Tasks: sources of token sequences whose statistics are known.
---@class mnemo.data
mnemo.data = {}

---@class (exact) mnemo.data.bigram.Options
---@field corpus? mnemo.Corpus Unigram and bigram statistics of the sequences. Default: corpus.shakespeare().
---@field triggers? integer Number of triggers, K. Default: 5.
---@field trigger_kind? "fixed"|"random" Fixed: the most frequent tokens, in every sequence; random: drawn anew for each sequence. Default: "fixed".
---@field trigger_offset? integer How many of the most frequent tokens fixed triggers leave out. Default: 0.
---@field outputs? "uniform"|"bigram" Draws outputs uniformly, or by what follows the trigger in the corpus. Default: "uniform".
---@field outputs_range? integer[] {first, last}: only these tokens are outputs. Default: all tokens.
---@field no_repeat? boolean Whether an output must differ from its trigger. Default: false.
---@field noise_token? integer A token that takes an output's place now and then; none that may be a trigger.
---@field noise_prob? number The probability with which noise_token stands in an output's place. Default: 0.5 with a noise_token.
---@field seq_len? integer Length of a sequence, T. Default: 128.
---@field seed? integer Decides every batch. Default: follows mnemo.seed.

---The bigram task: sequences follow a corpus's bigram statistics, but each of K triggers is always followed by an output drawn anew for each sequence, so that predicting it takes looking back.
---
---```lua
---local task = mnemo.data.bigram{triggers = 5, seq_len = 64, seed = 1}
---```
---@param options? mnemo.data.bigram.Options
---@return mnemo.Task
function mnemo.data.bigram(options) end

---@class (exact) mnemo.data.factual.Options
---@field subjects? integer Number of subjects, S. Default: 32.
---@field relations? integer Number of relations, R. Default: 32.
---@field answers? integer Number of answers of each relation, D. Default: 8.
---@field noise? integer Number of noise tokens. Default: subjects + relations.
---@field seq_len? integer Length of a sequence, T. Default: 32.
---@field structured? boolean Whether subject s, from 0, has answer ⌊s·D/S⌋ of every relation; else answers are drawn. Default: false.
---@field eos? boolean Whether an end token stands last; else the relation does. Default: true.
---@field subject_exponent? number α: the subject of rank k, from 1, is drawn with a probability ∝ k^−α. Default: 0.
---@field relation_exponent? number β: the relation of rank k, from 1, is drawn with a probability ∝ k^−β. Default: 0.
---@field seed? integer Decides the facts and every batch. Default: follows mnemo.seed.

---The factual-recall task: each pair of a subject and a relation has one answer, out of the relation's own, drawn once for the task. A sequence names one subject and one relation among noise tokens; its class, answer j of relation r, is (r − 1)·D + j. task.facts holds all answers; task:explain(ids) tells what tokens are.
---
---```lua
---local task = mnemo.data.factual{
---  subjects = 8, relations = 4, answers = 4, seq_len = 12, seed = 1,
---}
---local batch = task:batch(2, 1)
---local s, r = batch.subjects[1]:item(), batch.relations[1]:item()
---print(task.facts[s][r]:item() == batch.targets[1]:item())
---```
---@param options? mnemo.data.factual.Options
---@return mnemo.Task
function mnemo.data.factual(options) end

---@class (exact) mnemo.data.custom.Options
---@field vocab integer Number of tokens, N.
---@field seq_len integer Length of a sequence, T.
---@field sample? function From rng to ids, with classes the class or classes, and optionally occurrence.
---@field sample_batch? function From rng and n to the same of n sequences; in place of sample.
---@field classes? integer Number of classes that targets are of, in place of the tokens that follow.
---@field positions? "all"|"last" Where classes are asked for: at every position, or at the last alone, targets [B]. Default: "last".
---@field symbols? string[] The text of each of the N tokens, with which decode and the prompt show them.
---@field decode? function From a list of ids, counted from 1, to a text; in place of symbols.
---@field seed? integer Of all batches. Default: follows mnemo.seed.

---A task whose sequences a Lua function draws: sample(rng) returns seq_len + 1 ids from 1 (the last is the last target), and optionally the occurrence counts of the first seq_len, by which loss masks choose. rng belongs to the sequence, so the same index gives the same batch. With classes, sample returns seq_len ids, and then what is asked: the sequence's class from 1, or with positions = "all" a list of seq_len classes. sample_batch(rng, n) in place of sample draws all n sequences in one call, which is faster with operations on tensors: what sample returns in rows, as IntTensors or lists; rng belongs to the batch. mnemo.train calls it for the next batch while a built-in model computes the loss.
---
---```lua
---local task = mnemo.data.custom{
---  vocab = 10, seq_len = 8, seed = 1,
---  symbols = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
---  sample = function(rng)
---    local ids = {}
---    for t = 1, 9 do ids[t] = t > 4 and ids[t - 4] or rng:integer(1, 10) end
---    return ids
---  end,
---}
---print(task:decode(task:batch(1, 1).tokens[1]))
---
----- Is the sum of the ids even or odd? A class for each sequence, a whole batch at once.
---local parity = mnemo.data.custom{
---  vocab = 8, seq_len = 4, classes = 2, seed = 1,
---  sample_batch = function(rng, n)
---    local ids, classes = rng:integer(1, 8, n, 4), {}
---    for i, sum in ipairs(ids:sum(2):totable()) do classes[i] = sum % 2 + 1 end
---    return ids, classes
---  end,
---}
---print(parity:batch(3, 1).targets)
---```
---@param options mnemo.data.custom.Options
---@return mnemo.Task
function mnemo.data.custom(options) end

---A source of token sequences, a pure function of its seed.
---@class mnemo.Task
---@field vocab_size integer Number of tokens, N.
---@field seq_len integer Length of a sequence, T.
---@field corpus mnemo.Corpus Where its statistics come from.
---@field trigger_kind "fixed"|"random" Where triggers come from.
---@field triggers mnemo.IntTensor The fixed triggers' ids; nil if random.
---@field classes integer Number of classes that targets are of; nil if they are tokens.
---@field positions "all"|"last" Where classes are asked for.
---@field facts mnemo.IntTensor Of factual recall: the answer to each subject and relation, [S, R]; nil of other tasks.
---@field options table The options it was made with.
local Task = {}

---A batch of training sequences. The same index gives the same batch; training step s, counted from 0, takes index s + 1.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 16, seed = 1}
---print(task:batch(2, 1).tokens)
---```
---@param n integer Number of sequences, B.
---@param index? integer From 1. Default: the next one.
---@return mnemo.Batch
function Task:batch(n, index) end

---A batch that training never sees, from random streams of its own.
---
---```lua
---local batch = mnemo.data.bigram{seed = 1}:held_out(8)
---```
---@param n integer Number of sequences, B.
---@param index? integer From 1. Default: 1.
---@return mnemo.Batch
function Task:held_out(n, index) end

---The text of ids: an IntTensor or a list.
---
---```lua
---local task = mnemo.data.bigram{seq_len = 40, seed = 1}
---print(task:decode(task:batch(1, 1).tokens[1]))
---```
---@param ids mnemo.IntTensor|table
---@return string
function Task:decode(ids) end

---What each token of a factual-recall task is: "subject 3", "relation 1", "noise 2" or "EOS", counted from 1; of ids [B, T] a list for each sequence.
---
---```lua
---local task = mnemo.data.factual{subjects = 3, relations = 2, seq_len = 5, seed = 1}
---print(table.concat(task:explain(task:batch(1, 1).tokens[1]), ", "))
---```
---@param ids mnemo.IntTensor|table
---@return string[]
function Task:explain(ids) end

---A batch of sequences: a plain table, so that scripts can make their own.
---@class mnemo.Batch
---@field tokens mnemo.IntTensor Ids [B, T], from 1.
---@field targets mnemo.IntTensor The token after each, or its class, [B, T]; or a class for each sequence, [B].
---@field occurrence mnemo.IntTensor 0 where the token is no trigger, else how often it has occurred so far, [B, T].
---@field subjects mnemo.IntTensor Of factual recall: which subject is asked about, [B].
---@field relations mnemo.IntTensor Of factual recall: which relation is asked for, [B].
---@field answers mnemo.IntTensor Of factual recall: the answers, which are the targets.
local Batch = {}

---The random numbers of one sequence, or of a batch drawn at once: the same for the same seed, batch index and place.
---@class mnemo.Random
local Random = {}

---A uniform number in [low, high).
---
---```lua
---local function sample(rng)
---  local ids = {}
---  for i = 1, 5 do ids[i] = rng:uniform() < 0.5 and 1 or 2 end
---  return ids
---end
---local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
---print(task:batch(2).tokens)
---```
---@param low? number The lower end. Default: 0.
---@param high? number The upper end. Default: 1.
---@return number
function Random:uniform(low, high) end

---A uniform integer from first to last, both included; with sizes, a tensor of them.
---
---```lua
---local function sample(rng)
---  local ids = {}
---  for i = 1, 5 do ids[i] = rng:integer(1, 9) end
---  return ids
---end
---local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
---print(task:batch(2).tokens)
---```
---@param first integer The smallest.
---@param last integer The largest.
---@param ... integer|integer[]
---@return integer|mnemo.IntTensor # a number, or a tensor of them
function Random:integer(first, last, ...) end

---A seed, for functions of the module that take one.
---
---```lua
---local function sample(rng)
---  local noise = mnemo.randn(5, {seed = rng:seed()})
---  local ids = noise:argmax():item() > 2 and {1, 1, 1, 1, 1} or {2, 2, 2, 2, 2}
---  return ids
---end
---local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
---print(task:batch(2).tokens)
---```
---@return integer
function Random:seed() end

---A normal number.
---
---```lua
---local function sample(rng)
---  local noise = rng:normal(0, 0.1)
---  local ids = noise > 0 and {1, 1, 1, 1, 1} or {2, 2, 2, 2, 2}
---  return ids
---end
---local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
---print(task:batch(2).tokens)
---```
---@param mean? number The mean. Default: 0.
---@param std? number The standard deviation. Default: 1.
---@return number
function Random:normal(mean, std) end

---An element of a list, each as likely.
---
---```lua
---local function sample(rng)
---  local ids = rng:choice{{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}}
---  return ids
---end
---local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
---print(task:batch(2).tokens)
---```
---@param list table At least one element.
---@return any # the element
function Random:choice(list) end

---An index drawn with these weights; a Tensor's are prepared once, so that drawing again takes the same short time for any number of them. With sizes, a tensor of indices; with a matrix of weights and rows of it, an index for each row named.
---
---```lua
---local function sample(rng)
---  local ids = {}
---  for i = 1, 5 do ids[i] = rng:categorical{0.7, 0.2, 0.1} end
---  ids = rng:categorical({0.7, 0.2, 0.1}, 5)
---  ids = rng:categorical(mnemo.eye(9), ids)
---  return ids
---end
---local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
---print(task:batch(2).tokens)
---```
---@param weights mnemo.Tensor|number[] Not negative, not all zero; they need not sum to 1.
---@param ... mnemo.IntTensor|integer|integer[]
---@return integer|mnemo.IntTensor # a number, or a tensor of them
function Random:categorical(weights, ...) end

---Puts a list into random order, in place.
---
---```lua
---local function sample(rng)
---  local ids = rng:shuffle{1, 2, 3, 4, 5}
---  return ids
---end
---local task = mnemo.data.custom{vocab = 9, seq_len = 4, seed = 1, sample = sample}
---print(task:batch(2).tokens)
---```
---@param list table The list.
---@return table # the list itself
function Random:shuffle(list) end

---Models: transformers whose weights are looked at as memories.
---@class mnemo.model
mnemo.model = {}

---@class (exact) mnemo.model.simplified.Options
---@field vocab integer Number of tokens, N.
---@field dim? integer Width, d. Default: 128.
---@field max_len? integer Longest sequence. Default: 128.
---@field ffn? ("none"|"linear"|"mlp")[] Feed-forward of layers 1 and 2: none, x + W x, or x + W_2 relu(W_1 x) of width 4d. Default: {"none", "none"}.
---@field positional? "random"|"sincos"|"rope" How positions enter: frozen random vectors or sines and cosines are added, or (rope) queries and keys of the first layer are rotated. Default: "random".
---@field embedding_init? "unit"|"scaled" Draws embeddings from N(0, 1) or N(0, 1/d). Default: "unit".
---@field score_scale? "sqrt_dim"|"none" Multiplies attention scores by 1/√d, or by 1. Default: "sqrt_dim".
---@field cross_talk? boolean False: every matrix reads only the embeddings meant for it. Default: true.
---@field tie_output? boolean Whether the output matrix is the embedding matrix. Default: false.
---@field freeze_embeddings? boolean Whether token embeddings stay as drawn. Default: true.
---@field freeze_output? boolean Whether the output matrix stays as drawn. Default: true.
---@field seed? integer Decides the initial parameters. Default: follows mnemo.seed.

---The two-layer attention model in which an induction head is born: random frozen embeddings, W_K of both layers, W_O of layer 2 and the feed-forwards trained.
---
---```lua
---local model = mnemo.model.simplified{vocab = 65, dim = 64, max_len = 32, seed = 1}
---print(model(mnemo.int_tensor{{1, 2, 3}}):size(-1))
---```
---@param options mnemo.model.simplified.Options
---@return mnemo.Model
function mnemo.model.simplified(options) end

---@class (exact) mnemo.model.transformer.Options
---@field vocab integer Number of tokens, N.
---@field dim? integer Width, d. Default: 128.
---@field layers? integer Number of layers, L. Default: 2.
---@field heads? integer Attention heads of a layer, H; a number that divides dim. Default: 4.
---@field max_len? integer Longest sequence. Default: 128.
---@field norm? "pre"|"post"|"none" Layer normalisation: pre, x + attn(norm x) + ff(norm' x) and once before the output; post, norm'(h + ff(h)) with h = norm(x + attn(x)); none, x + attn(x) + ff(x). Default: "pre".
---@field ffn? "none"|"linear"|"mlp" Feed-forward of each layer: none, W x, or W_2 relu(W_1 x) of width 4d. Default: "mlp".
---@field no_first_layer_ffn? boolean Whether the first layer has no feed-forward. Default: false.
---@field tie_output? boolean Whether the output matrix is the embedding matrix. Default: false.
---@field no_wv? boolean Whether W_V is left out: values are what attention reads. Default: false.
---@field no_wo? boolean Whether W_O is left out: the heads' sums, side by side, are added. Default: false.
---@field freeze_embeddings? boolean Whether embeddings of tokens and positions stay as drawn. Default: false.
---@field freeze_output? boolean Whether the output matrix stays as drawn. Default: false.
---@field positional? "learned"|"sincos" What is added for positions: trained vectors, or sines and cosines. Default: "learned".
---@field seed? integer Decides the initial parameters. Default: follows mnemo.seed.

---The usual transformer: layers of attention with several heads and a feed-forward, residual connections, layer normalisation. Everything is trained unless an option freezes it.
---
---```lua
---local model = mnemo.model.transformer{vocab = 65, dim = 64, max_len = 32, seed = 1}
---print(model(mnemo.int_tensor{{1, 2, 3}}):size(-1))
---```
---@param options mnemo.model.transformer.Options
---@return mnemo.Model
function mnemo.model.transformer(options) end

---@class (exact) mnemo.model.factual.Options
---@field vocab integer Number of tokens, N.
---@field answers integer Number of answers, A.
---@field dim? integer Width, d. Default: 32.
---@field heads? integer Number of heads, H. Default: 8.
---@field head_dim? integer Size of a head's queries, keys and values, d_h. Default: 8.
---@field mlp_width? integer Width of the MLP, m; 0: attention alone. Default: 64.
---@field attention? "softmax"|"linear" Softmax: heads and an MLP; linear: the scores themselves weigh one-hot embeddings, and none of the four sizes above is there. Default: "softmax".
---@field seed? integer Decides the initial parameters. Default: follows mnemo.seed.

---The one-layer model of factual recall: the last token attends to all, and an answer follows from what it reads. Embeddings are random and frozen; heads, their output matrix and the MLP are trained. It answers at the last position alone, logits [B, answers]. With attention = "linear" it is two trained matrices on one-hot embeddings, both 1e-5 at first: logits ovᵀ Σ_t qk[z_T, z_t] · 1[z_t].
---
---```lua
---local model = mnemo.model.factual{vocab = 129, answers = 256, seed = 1}
---print(model(mnemo.int_tensor{{1, 2, 3}}):size(-1))
---```
---@param options mnemo.model.factual.Options
---@return mnemo.Model
function mnemo.model.factual(options) end

---@class (exact) mnemo.model.gpt2.Options
---@field vocab integer Number of tokens, N.
---@field dim? integer Width, d. Default: 768.
---@field layers? integer Number of layers, L. Default: 12.
---@field heads? integer Attention heads of a layer, H; a number that divides dim. Default: 12.
---@field max_len? integer Longest sequence, the context. Default: 1024.
---@field ff_dim? integer Width of the feed-forwards. Default: 4·dim.
---@field activation? "gelu"|"gelu_new"|"gelu_fast"|"gelu_pytorch_tanh"|"quick_gelu"|"relu"|"silu"|"swish"|"tanh" Function between the feed-forwards' two matrices. Default: "gelu_new".
---@field norm_eps? number What keeps layer normalisation finite. Default: 1e-05.
---@field tie_output? boolean Whether the output matrix is the embedding matrix. Default: true.
---@field scale_scores? boolean Whether scores are divided by √(d/H). Default: true.
---@field scale_by_layer? boolean Whether scores are divided by the number of their layer, counted from 1. Default: false.
---@field seed? integer Decides the initial parameters. Default: follows mnemo.seed.

---GPT-2 (Radford and others, 2019): layer norm before attention and feed-forward, biases, embeddings of positions. mnemo.pretrained.load reads published weights into such a model; here its parameters are drawn, N(0, 0.02²), under the published names.
---
---```lua
---local model = mnemo.model.gpt2{vocab = 65, dim = 64, layers = 2, heads = 4, max_len = 32, seed = 1}
---print(model(mnemo.int_tensor{{1, 2, 3}}):size(-1))
---```
---@param options mnemo.model.gpt2.Options
---@return mnemo.Model
function mnemo.model.gpt2(options) end

---@class (exact) mnemo.model.gpt_neox.Options
---@field vocab integer Number of tokens, N.
---@field dim? integer Width, d. Default: 512.
---@field layers? integer Number of layers, L. Default: 6.
---@field heads? integer Attention heads of a layer, H; a number that divides dim. Default: 8.
---@field max_len? integer Longest sequence, the context. Default: 2048.
---@field ff_dim? integer Width of the feed-forwards. Default: 4·dim.
---@field activation? "gelu"|"gelu_new"|"gelu_fast"|"gelu_pytorch_tanh"|"quick_gelu"|"relu"|"silu"|"swish"|"tanh" Function between the feed-forwards' two matrices. Default: "gelu".
---@field norm_eps? number What keeps layer normalisation finite. Default: 1e-05.
---@field tie_output? boolean Whether the output matrix is the embedding matrix. Default: false.
---@field parallel_residual? boolean Whether a layer is x + attn(norm x) + ff(norm' x), or with h = x + attn(norm x) h + ff(norm' h). Default: true.
---@field attention_bias? boolean Whether attention's matrices have biases. Default: true.
---@field rotary_share? number Share of a head's coordinates that positions turn, 0 to 1. Default: 0.25.
---@field rotary_base? number Base of the frequencies of these turns. Default: 10000.
---@field seed? integer Decides the initial parameters. Default: follows mnemo.seed.

---GPT-NeoX (Black and others, 2022), the architecture of Pythia: layer norm before attention and feed-forward, which read the same, biases, rotary positions on a part of the coordinates. mnemo.pretrained.load reads published weights into such a model; here its parameters are drawn, N(0, 0.02²), under the published names.
---
---```lua
---local model = mnemo.model.gpt_neox{vocab = 65, dim = 64, layers = 2, heads = 4, max_len = 32, seed = 1}
---print(model(mnemo.int_tensor{{1, 2, 3}}):size(-1))
---```
---@param options mnemo.model.gpt_neox.Options
---@return mnemo.Model
function mnemo.model.gpt_neox(options) end

---@class (exact) mnemo.model.custom.Options
---@field vocab integer Number of tokens, N.
---@field parameters table Name to Tensor; all are trained at first.
---@field forward function From tokens to logits.
---@field outputs? integer Number of classes that it tells apart, n; targets are ids up to n. Default: vocab.
---@field positions? "all"|"last" Where it answers: at every position, or at the last of each sequence alone. Default: "all".
---@field max_len? integer Longest sequence. Default: no limit.

---A model whose forward pass is a Lua function on tensors; it is trained, probed, frozen, saved and cloned like any other. forward(tokens, p, visit) gets the ids [B, T], the parameters by name, and a function to show tensors to trace and patch: h = visit("hidden", h). It returns the logits [B, T, outputs], or with positions = "last" [B, outputs]. Take parameters from p: a clone has its own, and a view (transposed, expanded, some columns) is copied.
---
---```lua
---local model = mnemo.model.custom{
---  vocab = 8,
---  parameters = {e = mnemo.randn(8, 4), u = mnemo.randn(8, 4)},
---  forward = function(tokens, p) return p.e[tokens]:matmul(p.u:t()) end,
---}
---print(model(mnemo.int_tensor{{1, 2, 3}}):size(3))
---
----- Is the sum of the ids even or odd? One of two answers to each sequence.
---local parity = mnemo.model.custom{
---  vocab = 8, outputs = 2, positions = "last", parameters = {w = mnemo.randn(8, 2)},
---  forward = function(tokens, p) return p.w[tokens]:sum(2) end,
---}
---print(parity(mnemo.int_tensor{{1, 2, 3}, {4, 4, 4}}))
---```
---@param options mnemo.model.custom.Options
---@return mnemo.Model
function mnemo.model.custom(options) end

---The model of a checkpoint that save wrote.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---model:save("model.safetensors")
---print(mnemo.model.load("model.safetensors"))
---```
---@param path string The file.
---@return mnemo.Model
function mnemo.model.load(path) end

---Parameters by name, and logits from tokens. Everything that trains, probes, freezes or saves works with any model.
---@class mnemo.Model
---@field config table The options it was made with.
---@field kind string The constructor: "simplified", "transformer", "factual", "gpt2", "gpt_neox", "custom".
---@field layers integer Number of attention layers; of a custom model those that it shows as "layers.0.…" and on.
---@field tokenizer? mnemo.Tokenizer What turns text into tokens; nil unless it came from a folder with one.
---@operator call(mnemo.IntTensor|table|string): mnemo.Tensor
local Model = {}

---The logits of the next token at every position, [B, T, V]; also model(tokens, mask). With a mask [B, T], at the R positions where it is not 0, [R, V]: what the others alone would need is not computed; with "last" at the last position of each sequence, [B, V]. Of a custom model that answers at the last position alone, [B, V]; a mask then has an entry for each sequence, [B].
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---local tokens = mnemo.int_tensor{{1, 2, 3}}
---print(model:forward(tokens):size(3))
---print(model:forward(tokens, tokens:ge(2)):size(1))
---print(model:forward({1, 2, 3}, "last"):shape()[1])
---```
---@param tokens mnemo.IntTensor|table|string Ids [B, T], from 1; a list of ids, or of a model with a tokenizer a text, is one sequence.
---@param mask? mnemo.Tensor|"last" Positions wanted, not 0, which come sequence by sequence; or "last". Default: all of them.
---@return mnemo.Tensor
function Model:forward(tokens, mask) end

---The mean cross-entropy of the targets, in nats, where loss_on keeps them. Targets are at every position, [B, T], or at the last of each sequence alone, [B].
---
---```lua
---local task = mnemo.data.bigram{seq_len = 32, seed = 1}
---local model = mnemo.model.simplified{vocab = task.vocab_size, dim = 16, seed = 1}
---print(model:loss(task:batch(4), "repeats"):item())
---```
---@param batch mnemo.Batch A task's, or a table with its fields.
---@param loss_on? "all"|"outputs"|"repeats"|mnemo.Tensor A mask's name, as in mnemo.train, or weights of the targets' shape. Default: "all".
---@return mnemo.Tensor # 0-dimensional
function Model:loss(batch, loss_on) end

---The parameters by name, frozen ones too: the model's own tensors, not copies.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---print(model:parameters()["output.weight"]:norm():item())
---```
---@return table # from name to Tensor
function Model:parameters() end

---The parameters' names, in order.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---print(table.concat(model:names(), "\n"))
---```
---@return string[]
function Model:names() end

---The parameter of that name: the model's own tensor, not a copy.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---print(model:get("output.weight"):size(1))
---```
---@param name string A parameter's name; layers count from 0 there.
---@return mnemo.Tensor
function Model:get(name) end

---Copies numbers into the parameter of that name.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---model:set("layers.0.attention.wk.weight", mnemo.zeros(16, 16))
---```
---@param name string A parameter's name; layers count from 0 there.
---@param tensor mnemo.Tensor Of the parameter's shape.
---@return mnemo.Model # the model itself
function Model:set(name, tensor) end

---Takes parameters out of training.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---model:freeze("layers.0.*")
---```
---@param glob string Names, with * for any characters: "layers.*.attention.wk.weight".
---@return string[] # the names that matched
function Model:freeze(glob) end

---Takes parameters into training.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---model:unfreeze("output.weight")
---```
---@param glob string Names, with * for any characters: "layers.*.attention.wk.weight".
---@return string[] # the names that matched
function Model:unfreeze(glob) end

---The names of the parameters that are trained.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---print(#model:trainable(), #model:names())
---```
---@return string[]
function Model:trainable() end

---Copies tensors by name into the parameters: all of them, or on an error none. So the parameters of a custom model come back, whose function is in no file.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---model:load_state(model:clone():parameters())
---model:save("model.safetensors")
---model:load_state("model.safetensors")
---```
---@param state string|table A file that save wrote, or name to Tensor, as safetensors.load gives.
---@return mnemo.Model # the model itself
function Model:load_state(state) end

---Writes a checkpoint: a safetensors file with the options in its metadata.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---model:save("model.safetensors")
---```
---@param path string The file.
---@return mnemo.Model # the model itself
function Model:save(path) end

---A model of its own with the same options and parameters.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---local before = model:clone()
---model:get("output.weight"):fill_(0)
---print(before:get("output.weight"):norm():item() > 0)
---```
---@return mnemo.Model
function Model:clone() end

---The attention probabilities of a layer, [B, H, T, T]; of the factual-recall model, where one token asks, [B, H, T]; of a custom model what it shows as "layers.0.attention" and so on.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---print(model:attention(mnemo.int_tensor{{1, 2, 3}}, 1)[1][1])
---```
---@param tokens mnemo.IntTensor|table|string Ids [B, T], from 1; a list of ids, or of a model with a tokenizer a text, is one sequence.
---@param layer integer From 1.
---@return mnemo.Tensor
function Model:attention(tokens, layer) end

---The residual stream after a layer, [B, T, d]; of a custom model what it shows as "layers.0.residual" and so on, and as "embeddings".
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---print(model:residual(mnemo.int_tensor{{1, 2, 3}}, 0):size(3))
---```
---@param tokens mnemo.IntTensor|table|string Ids [B, T], from 1; a list of ids, or of a model with a tokenizer a text, is one sequence.
---@param layer integer From 1; 0 for the embeddings.
---@return mnemo.Tensor
function Model:residual(tokens, layer) end

---Named intermediate tensors of a forward pass: embeddings [B, T, d]; for each layer layers.N.attention_input, queries, keys, values and heads (what W_O reads), these four [B, T, H, d/H], scores (before the mask) and attention, both [B, H, T, T], attention_output, ff_input, ff_hidden (before the ReLU), ff_output, residual; norm (what the output matrix reads); logits. A model has those that it computes. N counts from 0, as in the names of parameters. With a loss, each has its gradient in grad, and so have the parameters. A table of names may also hold patch, a table as model:patch takes it: kept is then what the patched pass computes.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---local ids = mnemo.int_tensor{{1, 2, 3, 1, 2}}
---local kept = model:trace(ids, "layers.0.*")
---print(kept["layers.0.attention"])
---local head = kept["layers.0.heads"]
---kept = model:trace(ids, {"layers.1.*", "logits", patch = {["layers.0.heads"] = head * 0}})
---print(kept["layers.1.attention"])
---```
---@param tokens mnemo.IntTensor|table|string Ids [B, T], from 1; a list of ids, or of a model with a tokenizer a text, is one sequence.
---@param names? string|string[]|table What to keep: names, with * for any characters. Default: "*".
---@param loss? function From the logits to a scalar to differentiate.
---@return table # Tensors by name
function Model:trace(tokens, names, loss) end

---The logits, as model(tokens) gives them, of a forward pass in which others stand in the place of named intermediate tensors: for ablation and activation patching.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---local ids = mnemo.int_tensor{{1, 2, 3, 1, 2}}
---local ablated = model:patch(ids, {
---  ["layers.0.attention_output"] = function(t) return t * 0 end,
---})
---print((ablated - model(ids)):abs():max():item())
---local other = model:trace(mnemo.int_tensor{{4, 2, 3, 1, 2}}, "layers.0.*")
---print(model:patch(ids, {
---  ["layers.0.attention_output"] = other["layers.0.attention_output"],
---  ["layers.1.*"] = function(t, name) print(name) return t end,
---}):size(2))
---```
---@param tokens mnemo.IntTensor|table|string Ids [B, T], from 1; a list of ids, or of a model with a tokenizer a text, is one sequence.
---@param replacements table From a name, as in trace and with * for any characters, to a tensor of the same shape, or to a function from the tensor and its name to one.
---@return mnemo.Tensor
function Model:patch(tokens, replacements) end

---@class (exact) Model:circuit.Options
---@field rows? mnemo.Tensor What asks, or is answered, [M, d]. Default: embeddings; of "ov", the output matrix.
---@field columns? mnemo.Tensor What is looked at, [M', d]. Default: embeddings.

---What a head's matrices say about pairs of tokens, layer norms and positions left aside, as mnemo.circuits.of gives it: "qk", how much one token looks at another; "ov", how much a token looked at raises the logit of another.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---for _, direction in ipairs(model:circuit("ov", 2):directions{count = 2, tokens = 3}) do
---  print(direction.value, direction.rows[1], direction.columns[1])
---end
---```
---@param which "qk"|"ov" The matrices.
---@param layer integer From 1.
---@param head? integer From 1. Default: 1.
---@param options? Model:circuit.Options
---@return mnemo.Circuit
function Model:circuit(which, layer, head, options) end

---Calls a function while parameters hold other numbers, and returns its results; afterwards, and after an error, they hold their own again.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---local ids = mnemo.int_tensor{{1, 2, 3, 1, 2}}
---local zeros = mnemo.zeros(16, 16)
---local logits = model:with({["layers.1.attention.wo.weight"] = zeros}, function()
---  return model(ids)
---end)
---print(logits:size(3))
---```
---@param weights table Name to Tensor of the parameter's shape.
---@param fn function Called without arguments.
---@return any ... # what fn returns
function Model:with(weights, fn) end

---@class (exact) Model:generate.Options
---@field length? integer How many tokens to draw. Default: 32.
---@field temperature? number Divides the logits; at 0 the most likely token is taken. Default: 1.
---@field stop? integer|integer[]|string Ids, or a token as it is written, after which no more is drawn.
---@field seed? integer Of the draws. Default: follows mnemo.seed.

---Draws tokens that continue a prompt. Ids are continued as ids, a text as a text. What a model of mnemo.pretrained or model.gpt2 has read is kept, so that each token costs the same; prompt and continuation must then fit its max_len. Others read their last max_len tokens.
---
---```lua
---local model = mnemo.model.gpt2{vocab = 8, dim = 16, heads = 2, layers = 2, max_len = 16, seed = 1}
---print(model:generate({1, 2}, {length = 5, temperature = 0}))
---```
---@param prompt string|mnemo.IntTensor|integer[] Ids, at least one, or of a model with a tokenizer a text.
---@param options? Model:generate.Options
---@return mnemo.IntTensor|string # prompt and continuation, as it was given
---@return mnemo.IntTensor|nil # of a text, the same as ids
function Model:generate(prompt, options) end

---The tokens of a text, of a model with a tokenizer. Printed, the list shows their texts too.
---
---```lua
---local folder = "pythia-70m"
---if not io.open(folder .. "/config.json") then return end
---local model = mnemo.pretrained.load(folder)
---print(#model:encode("Madrid is located in"))
---```
---@param text string UTF-8.
---@return integer[] # ids, from 1
function Model:encode(text) end

---The text of tokens, of a model with a tokenizer. A token alone may be a part of a character.
---
---```lua
---local folder = "pythia-70m"
---if not io.open(folder .. "/config.json") then return end
---local model = mnemo.pretrained.load(folder)
---print(model:decode(model:encode("Madrid is located in")))
---```
---@param ids mnemo.IntTensor|integer[]|integer From 1.
---@return string
function Model:decode(ids) end

---The most likely tokens after a text or ids, the most likely first. Only the logits of the last position are computed.
---
---```lua
---local model = mnemo.model.gpt2{vocab = 8, dim = 16, heads = 2, layers = 2, max_len = 16, seed = 1}
---for _, next in ipairs(model:next_tokens({1, 2}, 3)) do print(next.id, next.probability) end
---```
---@param prompt string|mnemo.IntTensor|integer[] Ids, at least one, or of a model with a tokenizer a text.
---@param n? integer How many. Default: 10.
---@return table[] # each with id, probability and, of a model with a tokenizer, token, its text
function Model:next_tokens(prompt, n) end

---@class (exact) Model:truncate.Options
---@field names string|string[] Names, with * for any characters: "layers.1.ff.*"; or a list of such.
---@field share number How much of the singular values stays, 0 to 1.

---Keeps the largest singular values of parameters that are matrices: the share times the smaller of a matrix's sizes, rounded up; with 0 it is all zeros, with 1 what it was. Further shares are of the matrix as it was before, and need no further decomposition. Training goes on from the truncated numbers, and makes a matrix of its own of them, which is what truncate then begins from; so do set, load_state and changes in place. A clone and a saved file have the truncated numbers for their own. On an error nothing is truncated. model:restore() undoes it.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---local name = "layers.1.attention.wo.weight"
---for _, share in ipairs{1, 0.5, 0.1, 0} do
---  local energy, ranks = model:truncate{names = name, share = share}
---  print(share, ranks[name], energy[name])
---end
---model:restore()
---```
---@param options Model:truncate.Options
---@return table energy # by name, the sum of squares of the singular values kept over that of all
---@return table ranks # by name, how many were kept
function Model:truncate(options) end

---@class (exact) Model:restore.Options
---@field changed? "keep"|"discard" "keep" leaves what has changed as it is; "discard" gives it back the numbers from before truncation as well.

---Gives every truncated parameter the numbers that it had before, to the bit. If one has changed since, by training or otherwise, it is an error and nothing is restored, unless changed says what becomes of it.
---
---```lua
---local model = mnemo.model.simplified{vocab = 8, dim = 16, seed = 1}
---local weight = model:get("output.weight")
---local before = weight:clone()
---model:truncate{names = "output.weight", share = 0.25}
---print(mnemo.linalg.matrix_rank(weight))
---model:restore()
---print(weight:eq(before):all())
---```
---@param options? Model:restore.Options
---@return string[] # the names of what was restored
function Model:restore(options) end

---Shows a tensor of a custom forward pass to model:trace and model:patch: h = visit("hidden", h). By the names that the built-in models use, "layers.0.attention" and so on, model:attention and others find it too.
---@class mnemo.Visitor
local Visitor = {}

---Pretrained language models and their tokenizers, from the hub's files.
---@class mnemo.pretrained
mnemo.pretrained = {}

---A model with published weights, GPT-2 or GPT-NeoX (Pythia), from a folder in the form of the Hugging Face hub: config.json; model.safetensors, or several files and model.safetensors.index.json; and for text tokenizer.json. The weights stay in their files and in their own type, F32, F16 or BF16, and are frozen at first; those in F32 can be trained. Everything that looks into models, patches or truncates them works with it.
---
---```lua
---local folder = "pythia-70m"
---if not io.open(folder .. "/config.json") then return end
---local model = mnemo.pretrained.load(folder)
---print(model:generate("Madrid is located in", {temperature = 0}))
---```
---@param folder string The folder.
---@return mnemo.Model
function mnemo.pretrained.load(folder) end

---The tokenizer of a pretrained model, from the hub's file tokenizer.json: byte-level BPE as GPT-2 and GPT-NeoX (Pythia) have it. It finds the tokens that the Python package tokenizers finds. Files of another kind are refused.
---
---```lua
---io.open("tokenizer.json", "w"):write [[{
---  "model": {"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]},
---  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
---  "decoder": {"type": "ByteLevel"}
---}]]:close()
---local tokenizer = mnemo.pretrained.tokenizer "tokenizer.json"
---print(tokenizer)
---```
---@param path string A tokenizer.json, or a folder that holds one.
---@return mnemo.Tokenizer
function mnemo.pretrained.tokenizer(path) end

---The tokenizer of a pretrained model: byte-level BPE, which knows every text. Ids count from 1.
---@class mnemo.Tokenizer
---@field count integer Number of ids, special and added tokens counted; also #.
---@operator len: integer
local Tokenizer = {}

---The ids of a text's tokens. Special tokens are found where the text spells them; none is added.
---
---```lua
---io.open("tokenizer.json", "w"):write [[{
---  "model": {"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]},
---  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
---  "decoder": {"type": "ByteLevel"}
---}]]:close()
---local tokenizer = mnemo.pretrained.tokenizer "tokenizer.json"
---print(table.concat(tokenizer:encode "ab a", " "))
---```
---@param text string UTF-8.
---@return integer[] # from 1
function Tokenizer:encode(text) end

---The text of ids: an IntTensor or a list. Special tokens stand there as they are spelled. Tokens that are parts of characters give parts of characters.
---
---```lua
---io.open("tokenizer.json", "w"):write [[{
---  "model": {"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]},
---  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
---  "decoder": {"type": "ByteLevel"}
---}]]:close()
---local tokenizer = mnemo.pretrained.tokenizer "tokenizer.json"
---print(tokenizer:decode(tokenizer:encode "ab a"))
---```
---@param ids mnemo.IntTensor|table From 1.
---@return string
function Tokenizer:decode(ids) end

---The text of one token, which may be a part of a character; nil for an id that the vocabulary leaves out.
---
---```lua
---io.open("tokenizer.json", "w"):write [[{
---  "model": {"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]},
---  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
---  "decoder": {"type": "ByteLevel"}
---}]]:close()
---local tokenizer = mnemo.pretrained.tokenizer "tokenizer.json"
---for id = 1, #tokenizer do print(id, tokenizer:token(id)) end
---```
---@param id integer From 1.
---@return string
function Tokenizer:token(id) end

---The id of a token: a special one, such as <|endoftext|>, or an entry of the vocabulary as it is spelled there, with Ġ for a space; nil if there is none.
---
---```lua
---io.open("tokenizer.json", "w"):write [[{
---  "model": {"type": "BPE", "vocab": {"Ġ": 0, "a": 1, "b": 2, "ab": 3}, "merges": ["a b"]},
---  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
---  "decoder": {"type": "ByteLevel"}
---}]]:close()
---local tokenizer = mnemo.pretrained.tokenizer "tokenizer.json"
---print(tokenizer:id "ab", tokenizer:id "Ġ")
---```
---@param token string
---@return integer
function Tokenizer:id(token) end

---Update rules, for mnemo.train and for loops of one's own.
---@class mnemo.optim
mnemo.optim = {}

---@class (exact) mnemo.optim.sgd.Options
---@field lr number|function Learning rate: a number, or a function of the step, counted from 0.
---@field momentum? number From 0 to below 1. Default: 0.
---@field weight_decay? number Adds this much of each parameter to its gradient. Default: 0.
---@field nesterov? boolean Nesterov's momentum. Default: false.
---@field groups? table A list of {match = glob of names, lr =, weight_decay =}: parameters with options of their own; the first group that matches a name counts.

---Stochastic gradient descent, with PyTorch's update rule.
---
---```lua
---local optimizer = mnemo.optim.sgd{
---  lr = mnemo.schedules.cosine{lr = 1e-3, steps = 100, warmup = 10},
---  groups = {{match = "*.wk.weight", lr = 1e-2}, {match = "*norm*", weight_decay = 0}},
---}
---```
---@param options mnemo.optim.sgd.Options
---@return mnemo.Optimizer
function mnemo.optim.sgd(options) end

---@class (exact) mnemo.optim.adamw.Options
---@field lr? number|function Learning rate: a number, or a function of the step, counted from 0. Default: 0.001.
---@field betas? number[] Decay of the two moments. Default: {0.9, 0.999}.
---@field eps? number Added to the root of the second moment. Default: 1e-08.
---@field weight_decay? number Shrinks parameters by lr times this much. Default: 0.01.
---@field groups? table A list of {match = glob of names, lr =, weight_decay =}: parameters with options of their own; the first group that matches a name counts.

---Adam with decoupled weight decay, with PyTorch's update rule.
---
---```lua
---local optimizer = mnemo.optim.adamw{
---  lr = mnemo.schedules.cosine{lr = 1e-3, steps = 100, warmup = 10},
---  groups = {{match = "*.wk.weight", lr = 1e-2}, {match = "*norm*", weight_decay = 0}},
---}
---```
---@param options? mnemo.optim.adamw.Options
---@return mnemo.Optimizer
function mnemo.optim.adamw(options) end

---@class (exact) mnemo.optim.adam.Options
---@field lr? number|function Learning rate: a number, or a function of the step, counted from 0. Default: 0.001.
---@field betas? number[] Decay of the two moments. Default: {0.9, 0.999}.
---@field eps? number Added to the root of the second moment. Default: 1e-08.
---@field weight_decay? number Adds this much of each parameter to its gradient. Default: 0.
---@field groups? table A list of {match = glob of names, lr =, weight_decay =}: parameters with options of their own; the first group that matches a name counts.

---Adam, with PyTorch's update rule: weight decay is added to the gradient.
---
---```lua
---local optimizer = mnemo.optim.adam{
---  lr = mnemo.schedules.cosine{lr = 1e-3, steps = 100, warmup = 10},
---  groups = {{match = "*.wk.weight", lr = 1e-2}, {match = "*norm*", weight_decay = 0}},
---}
---```
---@param options? mnemo.optim.adam.Options
---@return mnemo.Optimizer
function mnemo.optim.adam(options) end

---@class (exact) mnemo.optim.sign_sgd.Options
---@field lr? number|function Learning rate: a number, or a function of the step, counted from 0. Default: 0.001.
---@field momentum? number From 0 to below 1: the sign is that of the gradients' moving mean. Default: 0.
---@field weight_decay? number Shrinks parameters by lr times this much. Default: 0.
---@field groups? table A list of {match = glob of names, lr =, weight_decay =}: parameters with options of their own; the first group that matches a name counts.

---Descent by the signs of the gradients: each number moves by lr, wherever its gradient points.
---
---```lua
---local optimizer = mnemo.optim.sign_sgd{
---  lr = mnemo.schedules.cosine{lr = 1e-3, steps = 100, warmup = 10},
---  groups = {{match = "*.wk.weight", lr = 1e-2}, {match = "*norm*", weight_decay = 0}},
---}
---```
---@param options? mnemo.optim.sign_sgd.Options
---@return mnemo.Optimizer
function mnemo.optim.sign_sgd(options) end

---@class (exact) mnemo.optim.muon.Options
---@field lr? number|function Learning rate: a number, or a function of the step, counted from 0. Default: 0.001.
---@field momentum? number From 0 to below 1. Default: 0.95.
---@field weight_decay? number Shrinks parameters by lr times this much. Default: 0.1.
---@field nesterov? boolean Nesterov's momentum. Default: true.
---@field groups? table A list of {match = glob of names, lr =, weight_decay =}: parameters with options of their own; the first group that matches a name counts.

---Momentum whose singular values are brought near 1, for matrices only, with PyTorch's update rule; other parameters are for another optimizer.
---
---```lua
---local optimizer = mnemo.optim.muon{
---  lr = mnemo.schedules.cosine{lr = 1e-3, steps = 100, warmup = 10},
---  groups = {{match = "*.wk.weight", lr = 1e-2}, {match = "*norm*", weight_decay = 0}},
---}
---```
---@param options? mnemo.optim.muon.Options
---@return mnemo.Optimizer
function mnemo.optim.muon(options) end

---Scales the gradients of parameters so that their norm together is at most limit, and returns what it was; what clip_norm does in mnemo.train.
---
---```lua
---local w = mnemo.ones(4):requires_grad(true)
---w:square():sum():backward()
---print(mnemo.optim.clip_grad_norm({w}, 1), w.grad:norm():item())
---```
---@param parameters table|mnemo.Model Tensors by name or as a list, or a model, which stands for its parameters().
---@param limit number The largest norm, above 0.
---@return number # the norm before
function mnemo.optim.clip_grad_norm(parameters, limit) end

---An update rule with its state, for mnemo.train and for loops of one's own.
---@class mnemo.Optimizer
---@field steps integer How often step was called; mnemo.train does not count here.
---@field kind string The constructor: "sgd", "adamw" ….
---@field config table The options it was made with.
local Optimizer = {}

---Updates parameters in place by their gradients, in a loop of one's own. Those that do not require gradients are frozen and stay as they are, and so do those without one. A learning rate that is a function is asked for the number of steps that this optimizer has made; mnemo.train asks for those of its run.
---
---```lua
---local w = mnemo.zeros(3):requires_grad(true)
---local optimizer = mnemo.optim.adamw{lr = 0.1}
---local function step()
---  local loss = (w - 1):square():sum()
---  optimizer:zero_grad{w = w}
---  loss:backward()
---  optimizer:step{w = w}
---end
---for _ = 1, 100 do step() end
---print(w, optimizer.steps)
---```
---@param parameters table|mnemo.Model Tensors by name or as a list, or a model, which stands for its parameters().
---@return mnemo.Optimizer # the optimizer itself
function Optimizer:step(parameters) end

---Takes the gradients of parameters away: backward() adds to what is there.
---
---```lua
---local w = mnemo.zeros(3):requires_grad(true)
---local optimizer = mnemo.optim.adamw{lr = 0.1}
---local function step()
---  local loss = (w - 1):square():sum()
---  optimizer:zero_grad{w = w}
---  loss:backward()
---  optimizer:step{w = w}
---end
---step()
---optimizer:zero_grad{w}
---print(w.grad)
---```
---@param parameters table|mnemo.Model Tensors by name or as a list, or a model, which stands for its parameters().
---@return mnemo.Optimizer # the optimizer itself
function Optimizer:zero_grad(parameters) end

---A copy of what is remembered: steps, the number made, and parameters, which has for each parameter that was updated its steps and its buffers by PyTorch's names (momentum_buffer, or exp_avg and exp_avg_sq), under the key that it is given with.
---
---```lua
---local w = mnemo.zeros(3):requires_grad(true)
---local optimizer = mnemo.optim.adamw{lr = 0.1}
---local function step()
---  local loss = (w - 1):square():sum()
---  optimizer:zero_grad{w = w}
---  loss:backward()
---  optimizer:step{w = w}
---end
---step()
---print(optimizer:state{w = w}.parameters.w.exp_avg)
---```
---@param parameters table|mnemo.Model Tensors by name or as a list, or a model, which stands for its parameters().
---@return table
function Optimizer:state(parameters) end

---Takes over what state gave, for parameters under the same keys, or on an error nothing: an optimizer with the same options then goes on as that one would have.
---
---```lua
---local w = mnemo.zeros(3):requires_grad(true)
---local optimizer = mnemo.optim.adamw{lr = 0.1}
---local function step()
---  local loss = (w - 1):square():sum()
---  optimizer:zero_grad{w = w}
---  loss:backward()
---  optimizer:step{w = w}
---end
---step()
---local other = mnemo.optim.adamw{lr = 0.1}:load_state({w = w}, optimizer:state{w = w})
---print(other.steps)
---```
---@param parameters table|mnemo.Model Tensors by name or as a list, or a model, which stands for its parameters().
---@param state table As state gives it.
---@return mnemo.Optimizer # the optimizer itself
function Optimizer:load_state(parameters, state) end

---Decompositions and linear systems, by LAPACK.
---@class mnemo.linalg
mnemo.linalg = {}

---The thin singular value decomposition A = U diag(S) Vᵀ. U [m, k] and V [n, k] (not its transpose) have orthonormal columns, S [k] descends, k is the smaller of m and n. In every column of U the entry of largest absolute value is positive. S has a gradient always, U and V where the singular values that count differ by more than 1e-5 of the largest, and are not 0 unless A is square; else backward is an error that names them.
---
---```lua
---local U, S, V = mnemo.linalg.svd(mnemo.tensor{{2, 0}, {0, 3}, {0, 0}})
---print((U * S):matmul(V:t()))
---```
---@param A mnemo.Tensor A matrix [m, n].
---@return mnemo.Tensor U
---@return mnemo.Tensor S
---@return mnemo.Tensor V
function mnemo.linalg.svd(A) end

---The thin decomposition A = Q R. Q [m, k] has orthonormal columns, R [k, n] is zero below its diagonal, which is not negative; k is the smaller of m and n. There is a gradient where the first k columns of A are independent; else backward is an error.
---
---```lua
---local Q, R = mnemo.linalg.qr(mnemo.tensor{{3, 1}, {4, 2}})
---print(Q:matmul(R))
---```
---@param A mnemo.Tensor A matrix [m, n].
---@return mnemo.Tensor Q
---@return mnemo.Tensor R
function mnemo.linalg.qr(A) end

---Eigenvalues and eigenvectors of a symmetric matrix: A = X diag(values) Xᵀ. The values [n] ascend; the vectors are the columns of X [n, n]. In every eigenvector the entry of largest absolute value is positive. The values have a gradient always, the vectors where the values that count differ by more than 1e-5 of the largest; else backward is an error that names them. The gradient is symmetric.
---
---```lua
---local values, vectors = mnemo.linalg.eigh(mnemo.tensor{{2, 1}, {1, 2}})
---print(values, vectors:select(2, 1))
---```
---@param A mnemo.Tensor A symmetric matrix [n, n].
---@return mnemo.Tensor values
---@return mnemo.Tensor vectors
function mnemo.linalg.eigh(A) end

---The solution X of A X = B for a square matrix A [n, n], with gradients for A and B.
---
---```lua
---print(mnemo.linalg.solve(mnemo.tensor{{2, 0}, {0, 4}}, mnemo.tensor{1, 1}))
---```
---@param A mnemo.Tensor A square matrix [n, n], not singular.
---@param B mnemo.Tensor A vector [n] or a matrix [n, r].
---@return mnemo.Tensor # of B's shape
function mnemo.linalg.solve(A, B) end

---The inverse of a square matrix, with its gradient. linalg.solve(A, B) is more exact than inv(A):matmul(B).
---
---```lua
---print(mnemo.linalg.inv(mnemo.tensor{{2, 0}, {0, 4}}))
---```
---@param A mnemo.Tensor A square matrix [n, n], not singular.
---@return mnemo.Tensor # [n, n]
function mnemo.linalg.inv(A) end

---The pseudo-inverse of Moore and Penrose. Singular values up to the tolerance of linalg.matrix_rank count as 0. The gradient is that for matrices of the same rank.
---
---```lua
---print(mnemo.linalg.pinv(mnemo.tensor{{2, 0}, {0, 0}, {0, 4}}))
---```
---@param A mnemo.Tensor A matrix [m, n].
---@return mnemo.Tensor # [n, m]
function mnemo.linalg.pinv(A) end

---The X that makes A X − B smallest, and of these the one of smallest norm: pinv(A) B. With gradients for A and B.
---
---```lua
---local A = mnemo.tensor{{1, 1}, {1, 2}, {1, 3}}
---print(mnemo.linalg.lstsq(A, mnemo.tensor{1, 2, 2})) -- intercept and slope
---```
---@param A mnemo.Tensor A matrix [m, n] of any rank.
---@param B mnemo.Tensor A vector [m] or a matrix [m, r].
---@return mnemo.Tensor # [n] or [n, r]
function mnemo.linalg.lstsq(A, B) end

---The lower triangle L of A = L Lᵀ for a positive definite matrix, with its gradient, which is symmetric.
---
---```lua
---print(mnemo.linalg.cholesky(mnemo.tensor{{4, 2}, {2, 5}}))
---```
---@param A mnemo.Tensor A symmetric matrix [n, n].
---@return mnemo.Tensor # [n, n], zero above the diagonal
function mnemo.linalg.cholesky(A) end

---The determinant of a square matrix, with its gradient. linalg.slogdet does not overflow.
---
---```lua
---print(mnemo.linalg.det(mnemo.tensor{{1, 2}, {3, 4}}))
---```
---@param A mnemo.Tensor A square matrix [n, n].
---@return mnemo.Tensor # 0-dimensional
function mnemo.linalg.det(A) end

---The sign of a determinant (−1, 0 or 1) and the logarithm of its absolute value (−∞ for a singular matrix), which has a gradient unless the matrix is singular.
---
---```lua
---print(mnemo.linalg.slogdet(mnemo.tensor{{1, 2}, {3, 4}}))
---```
---@param A mnemo.Tensor A square matrix [n, n].
---@return mnemo.Tensor sign
---@return mnemo.Tensor logarithm
function mnemo.linalg.slogdet(A) end

---A norm of a matrix, with its gradient: "fro", the square root of the sum of squares; "nuc", the sum of the singular values; 2, the largest of them; 1 and math.huge, the largest sum of absolute values of a column and of a row; −2, −1 and −math.huge, the smallest of these. Of a vector, t:norm() is one.
---
---```lua
---print(mnemo.linalg.norm(mnemo.tensor{{3, 0}, {0, 4}}, "nuc"))
---```
---@param A mnemo.Tensor A matrix [m, n].
---@param order? "fro"|"nuc"|number Which. Default: "fro".
---@return mnemo.Tensor # 0-dimensional
function mnemo.linalg.norm(A, order) end

---The number of singular values above a tolerance.
---
---```lua
---print(mnemo.linalg.matrix_rank(mnemo.tensor{{1, 2}, {2, 4}}))
---```
---@param A mnemo.Tensor A matrix [m, n].
---@param tolerance? number The largest that does not count. Default: the larger of m and n times 2⁻²³ of the largest singular value.
---@return integer
function mnemo.linalg.matrix_rank(A, tolerance) end

---The matrix of at most a given rank that is nearest to W. Its largest singular values are kept, the others set to 0. There is a gradient where linalg.svd has one.
---
---```lua
---print(mnemo.linalg.rank_truncate(mnemo.tensor{{3, 0}, {0, 1}}, 1))
---```
---@param W mnemo.Tensor A matrix [m, n].
---@param rank integer From 0 to the smaller of m and n.
---@return mnemo.Tensor # [m, n]
function mnemo.linalg.rank_truncate(W, rank) end

---Layers and losses as functions of tensors, for models of one's own. Layer norm and cross-entropy are methods of tensors: x:layer_norm(weight, bias), logits:cross_entropy(targets).
---@class mnemo.nn
mnemo.nn = {}

---@class (exact) mnemo.nn.attention.Options
---@field queries mnemo.Tensor [B, Tq, H·E].
---@field keys mnemo.Tensor [B, Tk, H·E].
---@field values mnemo.Tensor [B, Tk, H·F].
---@field heads? integer How many, H. Default: 1.
---@field causal? boolean Whether a query sees no later keys; there are then as many queries as keys. Default: false.
---@field mask? mnemo.Tensor [Tq, Tk] or [B, Tq, Tk], 0 where a key is not seen.
---@field scale? number Factor of the scores. Default: 1/√E.

---Softmax attention: for each head, every query's sum of values, weighted by the softmax of scale times its products with the keys that it sees. A query sees all keys; under causal those up to its own position; with a mask, of these only the ones where it is not 0. One that sees nothing gets zeros. Without a mask one fused kernel computes it and keeps scores only where they are few; with one, all scores are in memory. Shapes: B sequences of Tq queries and Tk keys, H heads, keys of size E and values of size F. All may be without B: one sequence.
---
---```lua
---local x = mnemo.randn(2, 5, 8)
---local read = mnemo.nn.attention{queries = x, keys = x, values = x, heads = 2, causal = true}
---print(read:shape()[3])
---```
---@param options mnemo.nn.attention.Options
---@return mnemo.Tensor # [B, Tq, H·F]
function mnemo.nn.attention(options) end

---A linear map of rows: x Wᵀ + b.
---
---```lua
---print(mnemo.nn.linear(mnemo.ones(4, 3), mnemo.randn(2, 3), mnemo.zeros(2)))
---```
---@param x mnemo.Tensor [..., in].
---@param weight mnemo.Tensor W [out, in].
---@param bias? mnemo.Tensor b [out]. Default: none.
---@return mnemo.Tensor # [..., out]
function mnemo.nn.linear(x, weight, bias) end

---The rows of a table that ids name: table[ids], for ids in lists as well. The gradient adds up in the rows.
---
---```lua
---print(mnemo.nn.embedding({3, 1}, mnemo.randn(5, 2)))
---```
---@param ids mnemo.IntTensor|table [...], from 1.
---@param table mnemo.Tensor [N, d].
---@return mnemo.Tensor # [..., d]
function mnemo.nn.embedding(ids, table) end

---Root-mean-square normalisation over the last dimension, of size n: x / sqrt(mean(x²) + eps) * weight, with the mean of each row.
---
---```lua
---print(mnemo.nn.rms_norm(mnemo.tensor{{3, 4}, {0, 1}}, mnemo.ones(2)))
---```
---@param x mnemo.Tensor [..., n].
---@param weight? mnemo.Tensor [n]. Default: all 1.
---@param eps? number Keeps rows of zeros finite. Default: 2^-23.
---@return mnemo.Tensor # of the same shape
function mnemo.nn.rms_norm(x, weight, eps) end

---@class (exact) mnemo.nn.dropout.Options
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Sets each element to 0 with probability p and divides the others by 1 - p, so that the mean stays what it is. For training: leave it out where a model is evaluated. The choice follows mnemo.seed, or a seed of its own.
---
---```lua
---print(mnemo.nn.dropout(mnemo.ones(2, 4), 0.5, {seed = 1}))
---```
---@param x mnemo.Tensor
---@param p number At least 0 and below 1.
---@param options? mnemo.nn.dropout.Options
---@return mnemo.Tensor # of the same shape
function mnemo.nn.dropout(x, p, options) end

---@class (exact) mnemo.nn.mse_loss.Options
---@field reduction? "mean"|"sum"|"none" Of all losses, or one for each place. Default: "mean".

---Squared errors (x - target)².
---
---```lua
---print(mnemo.nn.mse_loss(mnemo.tensor{1, 2}, mnemo.tensor{1, 4}):item())
---```
---@param x mnemo.Tensor [...].
---@param target mnemo.Tensor Of the same shape.
---@param options? mnemo.nn.mse_loss.Options
---@return mnemo.Tensor # 0-dimensional, or of the same shape
function mnemo.nn.mse_loss(x, target, options) end

---@class (exact) mnemo.nn.kl_div.Options
---@field reduction? "mean"|"sum"|"none"|"batchmean" Of all elements, or one for each. Default: "mean".

---Kullback-Leibler divergences, in nats, of target probabilities from a model's log-probabilities: target * (log target - x), 0 where target is 0. The divergence of a distribution is the sum over its elements: "batchmean" divides the sum by the size of the first dimension, where "mean" divides it by the number of elements.
---
---```lua
---local x, target = mnemo.zeros(1, 2):log_softmax(2), mnemo.tensor{{0.9, 0.1}}
---print(mnemo.nn.kl_div(x, target, {reduction = "batchmean"}):item())
---```
---@param x mnemo.Tensor Log-probabilities [...].
---@param target mnemo.Tensor Probabilities, of the same shape.
---@param options? mnemo.nn.kl_div.Options
---@return mnemo.Tensor # 0-dimensional, or of the same shape
function mnemo.nn.kl_div(x, target, options) end

---@class (exact) mnemo.nn.binary_cross_entropy.Options
---@field reduction? "mean"|"sum"|"none" Of all losses, or one for each place. Default: "mean".

---Binary cross-entropies, in nats: -(target * log x + (1 - target) * log(1 - x)). Logarithms are taken to be at least -100.
---
---```lua
---print(mnemo.nn.binary_cross_entropy(mnemo.tensor{0.5, 0.9}, mnemo.tensor{0, 1}):item())
---```
---@param x mnemo.Tensor Probabilities [...], from 0 to 1.
---@param target mnemo.Tensor Probabilities, of the same shape.
---@param options? mnemo.nn.binary_cross_entropy.Options
---@return mnemo.Tensor # 0-dimensional, or of the same shape
function mnemo.nn.binary_cross_entropy(x, target, options) end

---@class (exact) mnemo.nn.binary_cross_entropy_with_logits.Options
---@field reduction? "mean"|"sum"|"none" Of all losses, or one for each place. Default: "mean".

---Binary cross-entropies, in nats, of the probabilities sigmoid(x); finite where these are rounded to 0 or 1.
---
---```lua
---local x, target = mnemo.tensor{0, 30}, mnemo.tensor{1, 0}
---print(mnemo.nn.binary_cross_entropy_with_logits(x, target):item())
---```
---@param x mnemo.Tensor Logits [...].
---@param target mnemo.Tensor Probabilities, of the same shape.
---@param options? mnemo.nn.binary_cross_entropy_with_logits.Options
---@return mnemo.Tensor # 0-dimensional, or of the same shape
function mnemo.nn.binary_cross_entropy_with_logits(x, target, options) end

---@class (exact) mnemo.nn.nll_loss.Options
---@field reduction? "mean"|"sum"|"none" Of all losses, or one for each place. Default: "mean".

---Negative log-likelihoods: of each row of log-probabilities, minus the element that its target names. Of logits, use the method cross_entropy.
---
---```lua
---print(mnemo.nn.nll_loss(mnemo.zeros(2, 4):log_softmax(2), {1, 3}):item())
---```
---@param x mnemo.Tensor Log-probabilities [..., V], the classes last.
---@param targets mnemo.IntTensor|table Ids [...], from 1.
---@param options? mnemo.nn.nll_loss.Options
---@return mnemo.Tensor # 0-dimensional, or [...]
function mnemo.nn.nll_loss(x, targets, options) end

---First values of parameters, in place.
---@class mnemo.init
mnemo.init = {}

---Sets every element to 0, in place.
---
---```lua
---print(mnemo.init.zeros(mnemo.randn(2, 3)))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@return mnemo.Tensor # the tensor itself
function mnemo.init.zeros(parameter) end

---Sets every element to 1, in place.
---
---```lua
---print(mnemo.init.ones(mnemo.randn(2, 3)))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@return mnemo.Tensor # the tensor itself
function mnemo.init.ones(parameter) end

---@class (exact) mnemo.init.normal.Options
---@field mean? number Their mean. Default: 0.0.
---@field std? number Their standard deviation. Default: 1.0.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Normal numbers. In place. The numbers follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.init.normal(mnemo.zeros(2, 3), {seed = 1}))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@param options? mnemo.init.normal.Options
---@return mnemo.Tensor # the tensor itself
function mnemo.init.normal(parameter, options) end

---@class (exact) mnemo.init.uniform.Options
---@field low? number The least. Default: 0.0.
---@field high? number The upper limit. Default: 1.0.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Uniform numbers. In place. The numbers follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.init.uniform(mnemo.zeros(2, 3), {seed = 1}))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@param options? mnemo.init.uniform.Options
---@return mnemo.Tensor # the tensor itself
function mnemo.init.uniform(parameter, options) end

---@class (exact) mnemo.init.xavier_uniform.Options
---@field gain? number Factor of the deviation. Default: 1.0.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Uniform numbers between ± gain * sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010). Of a weight [out, in], fan_in is in and fan_out is out; further dimensions multiply both. In place. The numbers follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.init.xavier_uniform(mnemo.zeros(2, 3), {seed = 1}))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@param options? mnemo.init.xavier_uniform.Options
---@return mnemo.Tensor # the tensor itself
function mnemo.init.xavier_uniform(parameter, options) end

---@class (exact) mnemo.init.xavier_normal.Options
---@field gain? number Factor of the deviation. Default: 1.0.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Normal numbers of standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot, Bengio 2010). Of a weight [out, in], fan_in is in and fan_out is out; further dimensions multiply both. In place. The numbers follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.init.xavier_normal(mnemo.zeros(2, 3), {seed = 1}))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@param options? mnemo.init.xavier_normal.Options
---@return mnemo.Tensor # the tensor itself
function mnemo.init.xavier_normal(parameter, options) end

---@class (exact) mnemo.init.kaiming_uniform.Options
---@field gain? number Factor of the deviation; the default is for a relu behind it. Default: 1.4142135623730951.
---@field mode? "fan_in"|"fan_out" Whose variance is kept: of what is computed, or of the gradients. Default: "fan_in".
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Uniform numbers between ± gain * sqrt(3 / fan_in) (He et al. 2015). Of a weight [out, in], fan_in is in and fan_out is out; further dimensions multiply both. In place. The numbers follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.init.kaiming_uniform(mnemo.zeros(2, 3), {seed = 1}))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@param options? mnemo.init.kaiming_uniform.Options
---@return mnemo.Tensor # the tensor itself
function mnemo.init.kaiming_uniform(parameter, options) end

---@class (exact) mnemo.init.kaiming_normal.Options
---@field gain? number Factor of the deviation; the default is for a relu behind it. Default: 1.4142135623730951.
---@field mode? "fan_in"|"fan_out" Whose variance is kept: of what is computed, or of the gradients. Default: "fan_in".
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---Normal numbers of standard deviation gain / sqrt(fan_in) (He et al. 2015). Of a weight [out, in], fan_in is in and fan_out is out; further dimensions multiply both. In place. The numbers follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.init.kaiming_normal(mnemo.zeros(2, 3), {seed = 1}))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@param options? mnemo.init.kaiming_normal.Options
---@return mnemo.Tensor # the tensor itself
function mnemo.init.kaiming_normal(parameter, options) end

---@class (exact) mnemo.init.orthogonal.Options
---@field gain? number Factor of the matrix. Default: 1.0.
---@field seed? integer Of these numbers. Default: follows mnemo.seed.

---gain times a random matrix with orthonormal rows, or columns if it has more rows (Saxe et al. 2014). Dimensions after the first count as one. In place. The numbers follow mnemo.seed, or a seed of their own.
---
---```lua
---print(mnemo.init.orthogonal(mnemo.zeros(2, 3), {seed = 1}))
---```
---@param parameter mnemo.Tensor Is changed, also where it requires gradients.
---@param options? mnemo.init.orthogonal.Options
---@return mnemo.Tensor # the tensor itself
function mnemo.init.orthogonal(parameter, options) end

---Tensors on disk, in the format that other libraries read as well.
---@class mnemo.safetensors
mnemo.safetensors = {}

---The tensors of a safetensors file by name, as they are stored (ids count from what they counted from there), and the file's metadata.
---
---```lua
---mnemo.safetensors.save("eye.safetensors", {eye = mnemo.eye(2)}, {made = "by hand"})
---local tensors, metadata = mnemo.safetensors.load("eye.safetensors")
---print(tensors.eye, metadata.made)
---```
---@param path string The file.
---@return table tensors # the tensors by name
---@return table metadata # the metadata by name
function mnemo.safetensors.load(path) end

---As safetensors.load, without reading the file: F32, F16 and BF16 keep their type and stay where they are; what is looked at is read then. Changes in place do not reach the file. It may be replaced or deleted meanwhile, but not cut short, which ends the process where the lost numbers are read.
---
---```lua
---mnemo.safetensors.save("eye.safetensors", {eye = mnemo.eye(2):half()})
---local tensors = mnemo.safetensors.open("eye.safetensors")
---print(tensors.eye, mnemo.ones(1, 2):matmul(tensors.eye))
---```
---@param path string The file.
---@return table tensors # the tensors by name
---@return table metadata # the metadata by name
function mnemo.safetensors.open(path) end

---Writes tensors into a safetensors file; an earlier one is replaced at once or not at all.
---
---```lua
---mnemo.safetensors.save("eye.safetensors", {eye = mnemo.eye(2)})
---```
---@param path string The file.
---@param tensors table Name to Tensor or IntTensor.
---@param metadata? table Name to string.
function mnemo.safetensors.save(path, tensors, metadata) end

---Command-line options for scripts.
---
---    local options = require "mnemo.arguments" {
---      about = "What the script shows.",
---      quick = { steps = 100 },             -- what --quick changes
---      full = { steps = 10000 },            -- what --full changes
---      { "steps", 400, "training steps" },
---      { "lr", 0.1, "learning rate" },
---      { "verbose", false, "print more" },
---      { "loss_on", "all", "positions in the loss", choices = { "all", "repeats" } },
---      { "out", "runs/mine", "folder for results", type = "folder" },
---    }
---    print(options.steps, options.quick)
---
---The default says the type: a whole number, a number with a decimal point, a text, or `false` for a switch. An option without a default names its type (`type = "integer"`, `"number"`, `"string"`) and is nil unless given. A text of `type = "folder"` is a folder that is made before the script goes on, so that one that cannot be written is told at once. Folders come with a switch `--overwrite`. One that is typed and holds a run, itself or up to two levels below, is refused without it; runs in a default folder may be replaced, being the script's own. So `overwrite = options.overwrite` belongs beside `dir`, and into `run:save`; in a sweep's point it is not needed. With `sweep = true` the script has the options of mnemo.sweep: `--workers`, `--task`, `--tasks`, `--retry` and `--force`; `options = options` in its call hands them on. A folder that holds `sweep.sqlite`, the sweep's store, is left to it: it goes on there, or refuses; and so is one that the tasks of several machines share. `placeholder = "DIR"` is shown in the help, `min` and `max` bound a number, `choices` lists what a text may be. In `loss_on` the underscore may be typed as a hyphen: `--loss-on`. What is typed wins over `--quick` and `--full`, wherever it stands. `--help` prints the options and ends the script.
---@class mnemo.arguments
---@overload fun(spec: table, words?: string[]): table
mnemo.arguments = {}

---Writes the help page.
---
---```lua
---print(mnemo.arguments.help({ { "steps", 400, "training steps" } }, "mine.lua"))
---```
---@param spec table The declaration.
---@param script? string The script's name.
---@return string # some lines of text
function mnemo.arguments.help(spec, script) end

---Reads a command line.
---
---```lua
---local options = mnemo.arguments.parse({ { "steps", 400, "training steps" } }, { "--steps=9" })
---print(options.steps)
---```
---@param spec table The declaration: `about`, `quick`, `full`, and the options.
---@param words string[] What was typed after the script's name.
---@return table|nil # a value for each option; nil when help was asked for
function mnemo.arguments.parse(spec, words) end

---Circuits: what the matrices of heads say about pairs of tokens, and how heads of two layers act together (Elhage and others, A Mathematical Framework for Transformer Circuits, 2021).
---
---Only matrices are read, no tokens: layer norms, positions and what layers in between add are left aside.
---
---Shapes: N vocab, d dim, H heads of a layer. A head reads with W_Q, W_K and W_V, its d/H rows of the layer's matrices, and writes with W_O, its d/H columns.
---@class mnemo.circuits
mnemo.circuits = {}

---@class (exact) mnemo.circuits.of.Options
---@field rows? mnemo.Tensor [M, d], for the rows: of "qk" what looks, of "ov" what is answered. Default: embeddings or output matrix.
---@field columns? mnemo.Tensor [M', d], for the columns: what is looked at. Default: embeddings.

---Reads a head's matrices between tokens; `model:circuit` is the same.
---
---"qk" is E W_Qᵀ W_K Eᵀ, [N, N]: row i, column j is the score with which token i looks at token j, before it is divided by √(d/H). "ov" is W_U W_O W_V Eᵀ, [N, N]: row i, column j is by how much token j, looked at with weight 1, raises the logit of token i. Other vectors may stand for the tokens' own: position embeddings, or what an earlier head wrote.
---
---```lua
---local model = mnemo.model.simplified { vocab = 8, dim = 16, max_len = 4, seed = 1 }
---local positions = model:get "pe"
---local previous = mnemo.circuits.of(model, "qk", 1, 1, { rows = positions, columns = positions })
---print(previous:matrix())
---```
---@param model mnemo.Model A built-in one, or one whose parameters are named alike.
---@param which "qk"|"ov" The matrices.
---@param layer integer From 1.
---@param head? integer From 1. Default: 1.
---@param options? mnemo.circuits.of.Options
---@return mnemo.Circuit
function mnemo.circuits.of(model, which, layer, head, options) end

---Tells how much the heads of a layer read what those of an earlier one write.
---
---With W_QK = W_Qᵀ W_K of the later head and W_OV = W_O W_V of either, the scores are ‖W_QKᵀ W_OV‖ / (‖W_QK‖ ‖W_OV‖) for queries, ‖W_QK W_OV‖ / (‖W_QK‖ ‖W_OV‖) for keys, and ‖W_OV' W_OV‖ / (‖W_OV'‖ ‖W_OV‖) for values, in Frobenius norms: from 0 to 1.
---
---```lua
---local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
---print(mnemo.circuits.composition(model, 1, 2).k)
---```
---@param model mnemo.Model A built-in one, or one whose parameters are named alike.
---@param first integer The earlier layer, from 1.
---@param second integer The later layer.
---@return table # `q`, `k` and `v`: Tensors [H, H], by head of the first layer and of the second
function mnemo.circuits.composition(model, first, second) end

---A matrix over pairs of tokens, kept as two narrow factors: matrix = left rightᵀ. Its fields are `which`, `layer`, `head`, `left` [M, d/H] and `right` [M', d/H].
---@class mnemo.Circuit
local Circuit = {}

---Multiplies the factors.
---
---```lua
---local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
---mnemo.plot.heatmap { matrix = model:circuit("qk", 1, 2):matrix() }:save("qk.svg")
---```
---@return mnemo.Tensor # [M, M'], as a rule [N, N]
function Circuit:matrix() end

---Decomposes the matrix into U diag(S) Vᵀ by its factors, so that it need not be made.
---
---```lua
---local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
---local _, S = model:circuit("ov", 1, 1):svd()
---print(S)
---```
---@return mnemo.Tensor # U, [M, r], r at most d/H
---@return mnemo.Tensor # S, [r], the largest first
---@return mnemo.Tensor # V, [M', r]
function Circuit:svd() end

---@class (exact) Circuit:directions.Options
---@field count? integer How many directions, the strongest first. Default: 5.
---@field tokens? integer How many tokens of each. Default: 5.

---Reads the singular directions as tokens: each says that the tokens in `rows` and those in `columns` go together.
---
---A direction and its negative are the same to a decomposition: the sign is that which makes the largest entry of the rows positive.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, seed = 1 }
---for _, direction in ipairs(model:circuit("ov", 2, 1):directions { count = 2 }) do
---  print(direction.value, task:decode(direction.columns), task:decode(direction.rows))
---end
---```
---@param options? Circuit:directions.Options
---@return table[] # `{ value=, rows=, columns= }`: the singular value, and the tokens with the largest entries, as lists of ids
function Circuit:directions(options) end

---Associative memories: matrices that hold pairs as sums of outer products, and what is known of them: how much comes back, what one gradient step writes, how many pairs fit.
---
---A memory W [d_out, d_in] holds inputs u_z with outputs v_k. Its score for the answer k to z is v_kᵀ W u_z, its answer the k with the largest score. f(z) is the right one.
---
---    local U = mnemo.memory.embeddings(100, 64, { kind = "sphere", seed = 1 })
---    local V = mnemo.memory.embeddings(100, 64, { kind = "sphere", seed = 2 })
---    local W = mnemo.memory.outer(V, U)
---    print(mnemo.memory.recall(W, U, V))                  -- 0.99
---
---Shapes: n inputs z, m outputs k, d_in and d_out widths. Embeddings are rows. Nothing here is recorded for gradients.
---@class mnemo.memory
mnemo.memory = {}

---@class (exact) mnemo.memory.capacity.Options
---@field holds function `holds(n, seed)` → boolean.
---@field low? integer A number that is held. Default: 1.
---@field high integer A number that is not.
---@field seeds? integer|table How many seeds, 1 … n, or a list of them. Default: 5.
---@field near? integer Where the end is expected, from theory say: the search begins there, and at the mean of those found for every further seed, and asks far fewer n.
---@field tolerance? number Ends when the bracket is less than this share of its lower end; 0 finds the number itself. Default: 0.

---Finds the largest n that a memory holds, by bisection for each seed.
---
---`holds(n, seed)` tells whether n pairs are held, as by `recall(…) >= 0.99`. It should hold at `low` and not at `high`; where it does not so, there is nothing to find in between, and that is an error. The same seed should draw the same embeddings for every n, so that fewer pairs are part of more.
---
---```lua
---local d = 16
---local found = mnemo.memory.capacity {
---  low = 1, high = 200, seeds = 3,
---  holds = function(n, seed)
---    local U = mnemo.memory.embeddings(200, d, { kind = "sphere", seed = 2 * seed })
---    local V = mnemo.memory.embeddings(200, d, { kind = "sphere", seed = 2 * seed + 1 })
---    U, V = U:narrow(1, 1, n), V:narrow(1, 1, n)
---    return mnemo.memory.recall(mnemo.memory.outer(V, U), U, V) >= 0.99
---  end,
---}
---print(mnemo.stats.text(found))
---```
---@param options mnemo.memory.capacity.Options
---@return table # the measurement over seeds, as of `mnemo.stats`: `mean`, `error`, `count`; and `values`, one for each seed
function mnemo.memory.capacity(options) end

---Fits a power law y = c·x^slope: a straight line through log x and log y by least squares.
---
---```lua
---local fit = mnemo.memory.slope({ 16, 32, 64 }, { 31, 116, 432 })
---print(mnemo.stats.text(fit, 2), fit.factor)
---```
---@param x number[] Positive numbers, two or more different ones.
---@param y number[] Positive numbers, as many.
---@return table # the measurement of the slope, as of `mnemo.stats`: `mean`, `error` (its standard error; nil with two points), `count`; and `factor`, c
function mnemo.memory.slope(x, y) end

---@class (exact) mnemo.memory.hessian_product.Options
---@field weights? mnemo.Tensor p(z), [n], with the sum 1. Default: 1/n.

---Multiplies a direction by the Hessian of the softmax loss of a linear memory, exactly: H·D = Σ_z p(z) Vᵀ (diag p̂_z − p̂_z p̂_zᵀ) V D u_z u_zᵀ, p̂_z = softmax(V W u_z). The right answers do not enter.
---
---```lua
---local U = mnemo.eye(2)
---local D = mnemo.tensor { { 1, 0 }, { 0, 0 } }
---print(mnemo.memory.hessian_product(mnemo.zeros(2, 2), U, U, D))
---```
---@param W mnemo.Tensor The memory [d_out, d_in].
---@param U mnemo.Tensor Inputs [n, d_in].
---@param V mnemo.Tensor Outputs [m, d_out].
---@param D mnemo.Tensor The direction [d_out, d_in].
---@param options? mnemo.memory.hessian_product.Options
---@return mnemo.Tensor # [d_out, d_in]
function mnemo.memory.hessian_product(W, U, V, D, options) end

---@class (exact) mnemo.memory.hessian_top.Options
---@field weights? mnemo.Tensor p(z), [n], with the sum 1. Default: 1/n.
---@field iterations? integer Hessian products at most. Default: 40.
---@field tolerance? number Ends when ‖H·x − λ·x‖ is below this times λ. Default: 1e-5.
---@field seed? integer Of the first direction. Default: 1.

---Returns the largest eigenvalue of the Hessian of the softmax loss of a linear memory, the sharpness, with its eigenvector, by the method of Lanczos with full orthogonalisation. Gradient descent with learning rate η is stable around a minimum where it is below 2/η.
---
---```lua
---local U = mnemo.eye(2)
---print(mnemo.memory.hessian_top(mnemo.zeros(2, 2), U, U))
---```
---@param W mnemo.Tensor The memory [d_out, d_in].
---@param U mnemo.Tensor Inputs [n, d_in].
---@param V mnemo.Tensor Outputs [m, d_out].
---@param options? mnemo.memory.hessian_top.Options
---@return number # λ
---@return mnemo.Tensor # the direction, of norm 1 [d_out, d_in]
function mnemo.memory.hessian_top(W, U, V, options) end

---@class (exact) mnemo.memory.embeddings.Options
---@field kind? "gaussian"|"sphere"|"orthonormal"|"one_hot" Which. Default: gaussian.
---@field seed? integer Decides them; they follow `mnemo.seed` without it.

---Draws embeddings, one a row.
---
---"gaussian": entries N(0, 1/d), so that norms are 1 on average; "sphere": the same, divided by their norms; "orthonormal": n ≤ d rows of a random orthogonal matrix; "one_hot": the first n ≤ d unit vectors.
---
---```lua
---local U = mnemo.memory.embeddings(3, 8, { kind = "orthonormal", seed = 1 })
---print(U:matmul(U:t()))
---```
---@param n integer How many, 1 or more.
---@param d integer Width, 1 or more.
---@param options? mnemo.memory.embeddings.Options
---@return mnemo.Tensor # [n, d]
function mnemo.memory.embeddings(n, d, options) end

---Sums outer products, Σ_z q(z) v_z u_zᵀ: the memory that holds v_z under u_z.
---
---Where many inputs share an output, choose its rows: `outer(V[targets], U)`.
---
---```lua
---local U, V = mnemo.memory.embeddings(5, 64), mnemo.memory.embeddings(5, 64)
---local W = mnemo.memory.outer(V, U)
---print(V[3]:dot(W:matmul(U[3])):item())
---```
---@param V mnemo.Tensor Outputs, one for each input [n, d_out].
---@param U mnemo.Tensor Inputs [n, d_in].
---@param q? mnemo.Tensor How strongly each pair is held [n]; all 1 without it.
---@return mnemo.Tensor # [d_out, d_in]
function mnemo.memory.outer(V, U, q) end

---@class (exact) mnemo.memory.population_gradient.Options
---@field targets? mnemo.IntTensor f(z), [n]: p(k|z) = 1 where k = f(z); f(z) = z without it.
---@field weights? mnemo.Tensor p(z), [n], with the sum 1. Default: 1/n.
---@field joint? mnemo.Tensor p(z, k), [n, m], in place of both.

---Returns the gradient of the population loss of a linear memory (Lemma 1): ∇L = Σ_z Σ_k (p(z) p̂_W(k|z) − p(z, k)) v_k u_zᵀ, where L(W) = E[−log p̂_W(k|z)] and p̂_W(·|z) = softmax(V W u_z).
---
---```lua
---local U, V = mnemo.randn(5, 16, { seed = 1 }), mnemo.randn(5, 16, { seed = 2 })
---local W = mnemo.zeros(16, 16):requires_grad(true)
---U:matmul(W:t()):matmul(V:t()):cross_entropy(mnemo.int_tensor { 1, 2, 3, 4, 5 }):backward()
---print((W.grad - mnemo.memory.population_gradient(W, U, V)):abs():max():item() < 1e-6)
---```
---@param W mnemo.Tensor The memory [d_out, d_in].
---@param U mnemo.Tensor Inputs [n, d_in].
---@param V mnemo.Tensor Outputs [m, d_out].
---@param options? mnemo.memory.population_gradient.Options
---@return mnemo.Tensor # [d_out, d_in]
function mnemo.memory.population_gradient(W, U, V, options) end

---Returns the gradient of the loss of a linear memory over samples whose inputs are noisy (Lemma 2): ∇L = Σ_k p(k) v_k (μ̂_k − μ_k)ᵀ, with μ_k = E[x | k] the mean input of an answer and μ̂_k = E[p̂_W(k|x) x] / p(k).
---
---```lua
---local X, V = mnemo.randn(20, 8, { seed = 1 }), mnemo.randn(2, 8, { seed = 2 })
---local answers = {}
---for i = 1, 20 do answers[i] = i % 2 + 1 end
---local gradient, parts =
---  mnemo.memory.noisy_gradient(mnemo.zeros(8, 8), X, mnemo.int_tensor(answers), V)
---print(gradient:norm():item(), parts.p)
---```
---@param W mnemo.Tensor The memory [d_out, d_in].
---@param X mnemo.Tensor Inputs of the samples [s, d_in].
---@param answers mnemo.IntTensor k of each sample, [s], from 1 to m.
---@param V mnemo.Tensor Outputs [m, d_out].
---@return mnemo.Tensor # [d_out, d_in]
---@return table # `p` [m], the share of each answer; `means` [m, d_in], μ_k; `predicted` [m, d_in], μ̂_k; rows of answers that no sample has are NaN
function mnemo.memory.noisy_gradient(W, X, answers, V) end

---@class (exact) mnemo.memory.recall.Options
---@field targets? mnemo.IntTensor f(z), [n], from 1 to m; f(z) = z without it.
---@field weights? mnemo.Tensor How much each input counts, [n], as p(z); equal without it.

---Tells how much of a memory comes back: the share of inputs z with argmax_k v_kᵀ W u_z = f(z).
---
---All outputs are candidates. Inputs are asked in blocks, so that 10⁵ of them need no matrix of 10¹⁰ scores.
---
---```lua
---local U, V = mnemo.randn(100, 64, { seed = 1 }), mnemo.randn(2, 64, { seed = 2 })
---local ids = mnemo.int_arange(1, 100) % 2 + 1
---print(mnemo.memory.recall(mnemo.memory.outer(V[ids], U), U, V, { targets = ids }))
---```
---@param W mnemo.Tensor|function The memory [d_out, d_in]; or a function from inputs [b, d_in] to outputs [b, d_out]; nil stands for the identity.
---@param U mnemo.Tensor Inputs u_z [n, d_in].
---@param V mnemo.Tensor Outputs v_k [m, d_out].
---@param options? mnemo.memory.recall.Options
---@return number # from 0 to 1
---@return mnemo.IntTensor # the answers, [n]
function mnemo.memory.recall(W, U, V, options) end

---@class (exact) mnemo.memory.margins.Options
---@field targets? mnemo.IntTensor f(z), [n]; f(z) = z without it.

---Returns the margins v_f(z)ᵀ W u_z − max_{k ≠ f(z)} v_kᵀ W u_z: positive where the answer is right, and by how much.
---
---```lua
---local U = mnemo.memory.embeddings(4, 4, { kind = "one_hot" })
---print(mnemo.memory.margins(mnemo.memory.outer(U, U), U, U))
---```
---@param W mnemo.Tensor|function The memory, as `recall` takes it.
---@param U mnemo.Tensor Inputs [n, d_in].
---@param V mnemo.Tensor Outputs [m, d_out], 2 or more.
---@param options? mnemo.memory.margins.Options
---@return mnemo.Tensor # [n]
function mnemo.memory.margins(W, U, V, options) end

---Patching: which intermediate tensors carry what makes the difference between two inputs.
---@class mnemo.patching
mnemo.patching = {}

---@class (exact) mnemo.patching.activation.Options
---@field model mnemo.Model The model.
---@field clean mnemo.IntTensor Ids [B, T].
---@field corrupted mnemo.IntTensor Ids [B, T], which differ in what is asked about.
---@field names? string|string[] What to patch, as in model:trace. Default: "layers.*.residual" or "layers.*.heads".
---@field heads? boolean|integer[] Whether each head is patched by itself, or which; without it, all at once. Default: false.
---@field positions? boolean|integer[] The same for positions. Default: false.
---@field metric? function From the logits to a number; without it, by how much the logit of the right answer is above that of the wrong one at the last position.
---@field right? mnemo.IntTensor|integer[] The right answer to each sequence, [B]. Default: the model's answers to clean.
---@field wrong? mnemo.IntTensor|integer[] The wrong ones, [B]. Default: the model's answers to corrupted.

---Patches a corrupted input's forward pass with tensors of a clean one, one part at a time, and tells how much of the clean answer comes back.
---
---A part's `recovered` is (m − m_corrupted) / (m_clean − m_corrupted), where m is the metric of the patched pass: 1 where the part alone brings the clean answer back, 0 where it changes nothing.
---
---```lua
---local model = mnemo.model.transformer { vocab = 8, dim = 16, heads = 2, seed = 1 }
---local found = mnemo.patching.activation {
---  model = model, heads = true, positions = true, right = { 3 }, wrong = { 4 },
---  clean = mnemo.int_tensor { { 1, 5, 2 } }, corrupted = mnemo.int_tensor { { 1, 6, 2 } },
---}
---for _, part in ipairs(found) do
---  print(part.layer, part.head, part.position, part.recovered)
---end
---found.figure:save("patching.svg")
---```
---@param options mnemo.patching.activation.Options
---@return table # a list of `{ name=, layer=, head=, position=, recovered= }`, one for each part; beside it `clean` and `corrupted`, the metric without patches, and `figure`, a heatmap
function mnemo.patching.activation(options) end

---Figures, drawn by gnuplot: as pictures, pages for a browser, or characters.
---
---    local plot = require "mnemo.plot"
---    plot.lines { x = steps, series = { { name = "loss", y = loss } } }:save("loss.svg")
---
---A figure is described first and drawn when it is saved; the numbers in it are written beside it as CSV. Colours are those of Okabe and Ito, which colour-blind readers can tell apart; dashes and marks differ as well, for print in black and white. Data are lists of numbers or tensors; NaN leaves a gap.
---@class mnemo.plot
mnemo.plot = {}

---@class (exact) mnemo.plot.lines.Options
---@field series? table[] The curves; without it, one of y.
---@field y? mnemo.Tensor|number[]|table[] Of a single series.
---@field x? mnemo.Tensor|number[] Of all series without one of their own. Default: 1, 2, ….
---@field low? mnemo.Tensor|number[] Of a single series: the band's lower edge.
---@field high? mnemo.Tensor|number[] Of a single series: the band's upper edge.
---@field name? string Of a single series, for the legend.
---@field style? "lines"|"points"|"linespoints"|"reference" Of a single series. Default: "lines".
---@field title? string Above the figure.
---@field xlabel? string Below the x axis.
---@field ylabel? string Beside the y axis.
---@field xscale? "linear"|"log" Of the x axis. Default: "linear".
---@field yscale? "linear"|"log" Of the y axis. Default: "linear".
---@field xlim? number[] { low, high }: the ends of the x axis.
---@field ylim? number[] { low, high }: the ends of the y axis.
---@field from_zero? boolean Whether the y axis begins at 0; without it, it does where that leaves the data at least half of it and no ylim is given.
---@field hlines? (number|table)[] Horizontal lines across: where, or `{ at =, name = }` to have them in the legend.
---@field vlines? (number|table)[] Vertical lines across.
---@field vspans? table[] Spans of the x axis that are shaded from bottom to top: `{ from =, to =, name = }`, the name for the legend.
---@field legend? "right"|"below"|"none" Where it stands; without it, on the right where there is room.
---@field width? number In pixels. Default: 600.
---@field height? number In pixels. Default: 380.

---Describes curves.
---
---A series is `{ name=, x=, y=, low=, high=, style= }`: `x` counts from 1 unless it is given here or for all series; `low` and `high` bound a shaded band. `y` may also be a list of runs (seeds), or a tensor [runs, points]: their mean is drawn, with a band of one standard deviation (with n − 1) to either side; where all runs lie from 0 to 1, as shares do, the drawn band ends there, and the CSV has the whole of it. `style` is `"lines"` (the default, with a few marks along the line), `"points"`, `"linespoints"` (a mark at every point) or `"reference"` (thin, dashed and black, for theory). A single series may stand in the options themselves. NaN and infinite numbers leave gaps, as do those that are not positive on a log axis; standard error says how many. Curves that coincide take turns in dashes. On a log x axis with at most twelve places of points, tics stand at these. A linear y axis without 0 says in its label where it begins.
---
---```lua
---local seeds = { { 0.9, 0.5, 0.3 }, { 0.8, 0.6, 0.2 }, { 1, 0.4, 0.4 } }
---local theory = { name = "1/x", y = { 1, 1/2, 1/3 }, style = "reference" }
---mnemo.plot.lines {
---  series = { { name = "mean of 3 seeds", y = seeds }, theory }, xlabel = "step",
---  yscale = "log", hlines = { { at = 0.25, name = "chance" } },
---  vspans = { { from = 2, to = 3, name = "slow" } },
---}:save("loss.svg")
---```
---@param options? mnemo.plot.lines.Options
---@return mnemo.Figure
function mnemo.plot.lines(options) end

---@class (exact) mnemo.plot.scatter.Options
---@field series? table[] The sets of points; without it, one of x and y.
---@field x? mnemo.Tensor|number[] Of a single series, or of all without one.
---@field y? mnemo.Tensor|number[] Of a single series.
---@field size? mnemo.Tensor|number[] Of a single series.
---@field colour? mnemo.Tensor|number[] Of a single series.
---@field labels? string[] Of a single series.
---@field name? string Of a single series, for the legend.
---@field title? string Above the figure.
---@field xlabel? string Below the x axis.
---@field ylabel? string Beside the y axis.
---@field xscale? "linear"|"log" Of the x axis. Default: "linear".
---@field yscale? "linear"|"log" Of the y axis. Default: "linear".
---@field xlim? number[] { low, high }: the ends of the x axis.
---@field ylim? number[] { low, high }: the ends of the y axis.
---@field hlines? (number|table)[] Horizontal lines across: where, or `{ at =, name = }` to have them in the legend.
---@field vlines? (number|table)[] Vertical lines across.
---@field zlabel? string Beside the colour bar.
---@field sizelabel? string What size shows: puts the least and the greatest into the legend.
---@field min? number The value at the lower end of the palette. Default: that of the data.
---@field max? number The value at the upper end. Default: that of the data.
---@field palette? "blues"|"greys"|"viridis"|"diverging" The colours. Default: "viridis".
---@field legend? "right"|"below"|"none" Where it stands; without it, on the right where there is room.
---@field width? number In pixels. Default: 600.
---@field height? number In pixels. Default: 420.

---Describes points.
---
---A series is `{ name=, x=, y=, size=, colour=, labels= }`. `size` and `colour` are lists of values, one for each point: the area and the colour of a point grow with them. `labels` are texts beside the points, such as tokens, with white space made visible; those that would run into others are left out. A single series may stand in the options themselves. Points without a place (NaN, or not positive on a log axis) are left out, and standard error says how many; those whose colour is NaN are grey.
---
---```lua
---mnemo.plot.scatter {
---  x = { 1, 2, 3 }, y = { 3, 1, 2 }, colour = { 0.1, 0.5, 0.9 }, zlabel = "recall",
---  labels = { "a", " ", "the" },
---}:save("points.svg")
---```
---@param options? mnemo.plot.scatter.Options
---@return mnemo.Figure
function mnemo.plot.scatter(options) end

---@class (exact) mnemo.plot.heatmap.Options
---@field matrix mnemo.Tensor|table[] Rows of numbers, or a tensor [rows, columns]; NaN is grey, and standard error says how many there are.
---@field xlabels? string[] One label for each column, such as tokens: white space, and what else shows nothing by itself, is made visible.
---@field ylabels? string[] The same for each row.
---@field marked_rows? integer[] Rows with a triangle before them, from 1.
---@field marks_name? string What the triangles say, for the label beside the rows.
---@field hlines? (number|table)[] Horizontal lines across, at numbers of rows (2.5 is between the second and the third), or `{ at =, name = }` to have them in a legend below.
---@field vlines? (number|table)[] Vertical lines across, at numbers of columns.
---@field legend? "right"|"below"|"none" Where it stands. Default: "below".
---@field xlim? integer[] { first, last }: the columns in view. Default: all.
---@field ylim? integer[] { first, last }: the rows in view. Default: all.
---@field min? number The value at the lower end of the palette. Default: that of the data.
---@field max? number The value at the upper end. Default: that of the data.
---@field palette? "blues"|"greys"|"viridis"|"diverging" The colours; `"diverging"` is white at 0 and equally deep on both sides, unless min or max say otherwise; printed in grey its sides look alike. Default: "blues".
---@field zlabel? string Beside the colour bar.
---@field aspect? "equal"|"auto" Whether cells are squares or fill the figure. Default: "equal".
---@field title? string Above the figure.
---@field xlabel? string Below the columns.
---@field ylabel? string Beside the rows.
---@field width? number In pixels. Default: 600.
---@field height? number In pixels. Default: 560.

---Describes a matrix as a map of colours, its first row on top.
---
---Where labels are denser than letters, some are left out and the others followed by their number: `xlim` and `ylim` look at a part of the matrix, in which there is room for all.
---
---```lua
---mnemo.plot.heatmap {
---  matrix = mnemo.eye(3), xlabels = { "a", "b", " " }, palette = "greys", zlabel = "attention",
---  marked_rows = { 2 }, marks_name = "trigger",
---}:save("attention.svg")
---```
---@param options mnemo.plot.heatmap.Options
---@return mnemo.Figure
function mnemo.plot.heatmap(options) end

---@class (exact) mnemo.plot.attention.Options
---@field model? mnemo.Model The model.
---@field weights? mnemo.Tensor|number[][] In place of model, layer and head: what was measured before, [T, T], a row for each token that looks.
---@field tokens mnemo.IntTensor|integer[] The ids of one sequence: [T] or [1, T]; of more than about 24 the labels are too small to read.
---@field layer? integer Of the model, from 1; needed with it.
---@field head? integer From 1. Default: 1.
---@field corpus? mnemo.Corpus Whose symbols are the labels; without it, the ids.
---@field occurrence? mnemo.IntTensor|integer[] That of the sequence in a batch, [T] or [1, T]: marks the rows where a trigger stands that came before, so that its output is known.
---@field marked_rows? integer[] Which rows are marked, without `occurrence`.
---@field marks_name? string What marks say. Default: "trigger seen before" with `occurrence`.
---@field title? string Above the figure. Default: "layer 1, head 1" and so on.
---@field palette? "blues"|"greys"|"viridis"|"diverging" The colours. Default: "blues".
---@field xlim? integer[] { first, last }: the columns in view. Default: all.
---@field ylim? integer[] { first, last }: the rows in view. Default: all.
---@field width? number In pixels. Default: 600.
---@field height? number In pixels. Default: 560.

---Describes where one head looks in one sequence: a map of its attention, a row for each token.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 12, seed = 1 }
---local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, seed = 1 }
---local batch = task:held_out(1)
---mnemo.plot.attention {
---  model = model, tokens = batch.tokens, layer = 1, corpus = task.corpus,
---  occurrence = batch.occurrence,
---}:save("attention.svg")
---```
---@param options mnemo.plot.attention.Options
---@return mnemo.Figure
function mnemo.plot.attention(options) end

---@class (exact) mnemo.plot.contour.Options
---@field z mnemo.Tensor|table[] Rows of values, or a tensor [ny, nx]; the first row is at the first y.
---@field x? mnemo.Tensor|number[] The columns' places, rising. Default: 1, 2, ….
---@field y? mnemo.Tensor|number[] The rows' places, rising. Default: 1, 2, ….
---@field series? table[] Paths over it.
---@field levels? integer|number[] About how many round ones, or which, rising. Default: 8.
---@field filled? boolean Whether the bands have colours, and a bar beside them. Default: true.
---@field palette? "blues"|"greys"|"viridis"|"diverging" The colours. Default: "viridis".
---@field zlabel? string Beside the colour bar.
---@field title? string Above the figure.
---@field xlabel? string Below the x axis.
---@field ylabel? string Beside the y axis.
---@field xscale? "linear"|"log" Of the x axis. Default: "linear".
---@field yscale? "linear"|"log" Of the y axis. Default: "linear".
---@field xlim? number[] { low, high }: the ends of the x axis.
---@field ylim? number[] { low, high }: the ends of the y axis.
---@field hlines? (number|table)[] Horizontal lines across: where, or `{ at =, name = }` to have them in the legend.
---@field vlines? (number|table)[] Vertical lines across.
---@field legend? "right"|"below"|"none" Of paths and lines across with a name. Default: "below".
---@field width? number In pixels. Default: 600.
---@field height? number In pixels. Default: 460.

---Describes a function of two variables by its level lines.
---
---The bands between levels are filled, all with a colour of their own; levels below 0 are dashed. Cells with a NaN corner are empty; standard error says how many NaN there are.
---
---Paths may run over the landscape, such as that of a training over its loss: each is `{ x =, y =, name =, style = }`, drawn as a curve of `plot.lines` with a white edge, its points joined in their order. What lies outside the axes is cut off. Levels' labels keep clear of them.
---
---```lua
---local z = {}
---for j = 1, 9 do
---  z[j] = {}
---  for i = 1, 9 do z[j][i] = (i - 5) ^ 2 + (j - 4) ^ 2 end
---end
---local path = { name = "descent", x = { 1, 4, 5 }, y = { 9, 5, 4 }, style = "linespoints" }
---mnemo.plot.contour {
---  z = z, levels = { 1, 4, 9, 16 }, zlabel = "loss", series = { path },
---}:save("landscape.svg")
---```
---@param options mnemo.plot.contour.Options
---@return mnemo.Figure
function mnemo.plot.contour(options) end

---@class (exact) mnemo.plot.grid.Options
---@field columns? integer How many stand in a row. Default: 2, or 1 for a single figure.
---@field heights? number[] The rows' shares of the height. Default: all equal.
---@field title? string Above all of them.
---@field xlabel? string Below all of them.
---@field ylabel? string To the left of all of them.
---@field width? number In pixels. Default: 450 a column.
---@field height? number In pixels. Default: 360 a row.

---Puts figures side by side; a figure may be a grid itself.
---
---Curves, points and level lines in one row have axes of one height, whatever their legends and titles take; maps keep the shape of their cells.
---
---```lua
---local falling = mnemo.plot.lines { y = { 3, 2, 1 } }
---local rising = mnemo.plot.lines { y = { 1, 2, 3 } }
---mnemo.plot.grid({ falling, rising }, { title = "Two ways" }):save("both.svg")
---```
---@param figures mnemo.Figure[] Row by row.
---@param options? mnemo.plot.grid.Options
---@return mnemo.Figure
function mnemo.plot.grid(figures, options) end

---@class (exact) mnemo.plot.animate.Options
---@field frames table[] All with a matrix, or all with a figure.
---@field path string Ends in .html; the folder must exist.
---@field title? string Above the slider.
---@field xlabels? string[] Of maps: one label for each column.
---@field ylabels? string[] One label for each row.
---@field marked_rows? integer[] Rows with a triangle before them, from 1.
---@field marks_name? string What the triangles say.
---@field xlim? integer[] { first, last }: the columns in view. Default: all.
---@field ylim? integer[] { first, last }: the rows in view. Default: all.
---@field min? number The value at the lower end of the palette. Default: that of the data.
---@field max? number The value at the upper end. Default: that of the data.
---@field palette? "blues"|"greys"|"viridis"|"diverging" The colours. Default: "blues".
---@field zlabel? string Beside the colour bar.
---@field aspect? "equal"|"auto" Whether cells are squares or fill the figure. Default: "equal".
---@field xlabel? string Below the columns.
---@field ylabel? string Beside the rows.
---@field width? number In pixels. Default: 600.
---@field height? number In pixels. Default: 560.

---Writes a page for a browser with a slider over frames, such as maps of attention at several steps of a training.
---
---The page stands alone: no network and no library is needed. It shows the values where the pointer is, and turns the frames by itself when asked to. Maps are all drawn on one scale of colours, that of all frames unless min and max say otherwise; the numbers of all frames are in the page.
---
---A frame is `{ label =, matrix = }`, a map as of `plot.heatmap`, or `{ label =, figure = }`, a figure of the first one's size. A label is a text or a number; without one, it is the frame's number.
---
---```lua
---local frames = {}
---for step = 1, 3 do
---  frames[step] = { label = "step " .. step, matrix = mnemo.eye(4) * (step / 3) }
---end
---mnemo.plot.animate { frames = frames, path = "growth.html", title = "A memory grows" }
---```
---@param options mnemo.plot.animate.Options
---@return string # the path
function mnemo.plot.animate(options) end

---Draws columns of a run's history over the steps; also run:plot(names).
---
---Beside the columns may stand options of `plot.lines`, such as title, ylabel, yscale, ylim, hlines or legend; x is the step.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---local run = mnemo.train {
---  model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, seed = 1 }, data = task,
---  steps = 4, eval_every = 2, optimizer = mnemo.optim.sgd { lr = 0.1 }, progress = false,
---}
---mnemo.plot.history(run, { "loss", ylabel = "nats", yscale = "log" }):save("loss.svg")
---```
---@param run mnemo.Run The run.
---@param names? string[] The columns, and options by name. Default: loss and all probes.
---@return mnemo.Figure
function mnemo.plot.history(run, names) end

---A figure: described, and drawn when it is saved.
---@class mnemo.Figure
local Figure = {}

---Returns a figure's numbers as CSV.
---
---One line for each point or cell. Columns: `panel` (in a grid: the figure's title); `series`, `x`, `y`, `low`, `high`, `runs` (how many y is the mean of), `size`, `colour`, `label` for curves and points; `x` and `y` (of a matrix, column and row from 1), `value`, `x_label`, `y_label`, `marked` for maps and contours, whose paths have `series`, `x` and `y`. Those that nothing uses are left out. A line across has a name in `series` and only one of x and y, a shaded span two lines with the x of its ends. Before a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return and is no number stands an apostrophe, so that spreadsheets take it for no formula.
---
---```lua
---print(mnemo.plot.lines { y = { 3, 2, 1 } }:csv())
---```
---@return string # with a line of column names first
function Figure:csv() end

---Draws the figure into a file, and its numbers into a CSV file beside it (`loss.svg` and `loss.csv`). The folder must exist. Without gnuplot there is an error, but the numbers are saved. PNG and PDF need a font with the characters of the labels on this machine, SVG where it is looked at.
---
---Each file is replaced as a whole or left as it was. gnuplot may take 60 seconds, or as many as the environment's `MNEMO_GNUPLOT_SECONDS` says. An .html is a page for a browser: the same picture, which shows the values where the pointer is. Nothing else is needed to look at it.
---
---```lua
---mnemo.plot.lines { y = { 3, 2, 1 } }:save("loss.svg"):save("loss.pdf")
---```
---@param path string Ends in .svg, .png, .pdf or .html.
---@return mnemo.Figure # the same one, so that it can be saved in another format
function Figure:save(path) end

---Draws the figure in the terminal, with characters, at the window's size.
---
---```lua
---mnemo.plot.lines { y = { 3, 2, 1 } }:show()
---```
---@return mnemo.Figure # itself
function Figure:show() end

---Probes: what a model has stored and how it answers, as numbers followed over training.
---
---A probe is a function `probe(ctx)` that returns a number, a 0-dimensional tensor, or a table of them by key, where `ctx` is `{ model, batch, logits, step, run }`; `mnemo.train` calls each of the table it is given at every evaluated step. `ctx.logits` is computed once for all probes of a step, and so is what `once` makes. The functions here return tables of probes, to be merged with one's own:
---
---    local probes = mnemo.probes.induction(task)
---    probes.largest_logit = function(ctx) return ctx.logits:max():item() end
---
---A probe gives NaN where it has nothing to count: no such position in the batch, or no such parameter in the model (no `pe` under rotary positions, no feed-forward).
---
---Shapes: B batch, T seq_len, N vocab, d dim, H heads. Names of parameters count layers from 0, as the files do; everything else counts from 1.
---@class mnemo.probes
mnemo.probes = {}

---Makes a function of a probe's context that computes its value once for each record, whichever probe asks first: a forward pass that several probes share.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16 }
---local tokens = task:held_out(8).tokens
---local logits = mnemo.probes.once(function(ctx) return ctx.model(tokens) end)
---mnemo.train {
---  model = model, data = task, steps = 2, optimizer = mnemo.optim.sgd { lr = 0.1 },
---  probes = {
---    largest = function(ctx) return logits(ctx):max() end,
---    mean = function(ctx) return logits(ctx):mean() end,
---  },
---}
---```
---@param compute function From the context to a value; nil counts as none.
---@return function # from the context to that value
function mnemo.probes.once(compute) end

---@class (exact) mnemo.probes.accuracy.Options
---@field held_out? integer Sequences in the fixed batch. Default: 512.

---Probes of how often the model is right, over all targets of any task: at every position, or one for each sequence.
---
---`acc`: on the current batch; `acc_test`: on a fixed batch that training never sees, and `loss_test`: the loss there, in nats.
---
---```lua
---local task = mnemo.data.custom { -- which of two halves of the alphabet is the first id from?
---  vocab = 8, seq_len = 3, classes = 2, seed = 1,
---  sample = function(rng)
---    local ids = { rng:integer(1, 8), rng:integer(1, 8), rng:integer(1, 8) }
---    return ids, ids[1] > 4 and 2 or 1
---  end,
---}
---local model = mnemo.model.custom {
---  vocab = 8, outputs = 2, positions = "last", parameters = { w = mnemo.randn(3, 8, 2) },
---  forward = function(tokens, p)
---    local logits = p.w[1][tokens:select(2, 1)]
---    for t = 2, tokens:size(2) do logits = logits + p.w[t][tokens:select(2, t)] end
---    return logits
---  end,
---}
---local run = mnemo.train {
---  model = model, data = task, steps = 20, optimizer = mnemo.optim.adamw { lr = 0.1 },
---  probes = mnemo.probes.accuracy(task, { held_out = 64 }),
---}
---print(run:table())
---```
---@param task mnemo.Task The task.
---@param options? mnemo.probes.accuracy.Options
---@return table # the probes by name
function mnemo.probes.accuracy(task, options) end

---@class (exact) mnemo.probes.answers.Options
---@field held_out? integer Number of sequences. Default: 512.
---@field at? string "outputs": at every output; "repeats": at those whose trigger has occurred before. Default: "repeats".

---Tells where a model answers right on held-out sequences.
---
---An output may be its own trigger: the sequence then repeats it to the end, and whoever has seen that once is right by repeating. `own` tells these places from the rest.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16 }
---local answers = mnemo.probes.answers(model, task, { held_out = 8 })
---local rest = answers.own:eq(0)
---print(mnemo.stats.text(mnemo.stats.share(
---  answers.hits:masked_select(rest), answers.sequences:masked_select(rest))))
---```
---@param model mnemo.Model The model.
---@param task mnemo.Task The task; of one with `held_out`, training never sees these sequences.
---@param options? mnemo.probes.answers.Options
---@return table # `hits`, 0 or 1, [R]; `own`, whether the output equals its trigger, [R]; `sequences`, which sequence each place belongs to, from 1, [R]
function mnemo.probes.answers(model, task, options) end

---@class (exact) mnemo.probes.batch_metrics.Options
---@field held_out? integer Sequences in each fixed batch. Default: 512.
---@field long? mnemo.Task A task with longer sequences, which the model's max_len must allow.
---@field others? table From a name to another task.

---Probes of the answers on the current batch and on a held-out one, for bigram tasks.
---
---`acc_tot`: accuracy where occurrence ≥ 1; `acc_start`: the same in the first 10 positions; `acc_end`: where occurrence ≥ 2, in the last 500 positions; `acc_end_test`: the same on a fixed batch that training never sees; `acc_long`: the same on another task with longer sequences, if one is given; `acc_end_NAME`: the same on the task of that name in `others`, for example one with outputs out of training's distribution. `loss_bigram`: cross-entropy where occurrence = 0; `loss_head`: where occurrence ≥ 2. `repeat_frac`: share of outputs equal to their trigger.
---
---Where an output is its own trigger, the sequence repeats it to the end, and repeating the token is right. So each accuracy comes in two parts as well: `acc_end_own` over the answers that equal their trigger, `acc_end_rest` over all others, and so on for all names that begin with acc. The model runs once for all of the current batch, and once for each fixed one.
---
---```lua
----- Train on outputs from the first three quarters of the tokens, test on the rest as well.
---local function task(first, last)
---  return mnemo.data.bigram { outputs_range = { first, last }, seq_len = 32, seed = 1 }
---end
---local seen, unseen = task(1, 48), task(49, 65)
---local probes = mnemo.probes.batch_metrics(seen, { held_out = 16, others = { ood = unseen } })
---local model = mnemo.model.simplified { vocab = 65, dim = 16, max_len = 32, seed = 1 }
---local run = mnemo.train {
---  model = model, data = seen, steps = 2, batch_size = 4, probes = probes,
---  optimizer = mnemo.optim.sgd { lr = 0.1 },
---}
---print(run:table { "acc_end_test", "acc_end_ood" })
---```
---@param task mnemo.Task The task.
---@param options? mnemo.probes.batch_metrics.Options
---@return table # the probes by name
function mnemo.probes.batch_metrics(task, options) end

---Probes of attention on the current batch; of several heads, the best one counts.
---
---`score_acc`: how often the first layer looks from the token after a trigger most at the trigger; `score_start_acc`: the same where the trigger stands for the first time.
---
---The second layer is asked where occurrence ≥ 2. `score2_acc`: how often the token before the one that it looks at most equals the current token; `score2_next_acc`: how often the token that it looks at is the right answer; `pred_attended_acc`: how often it is the prediction. `score_cond_acc`: how often the first layer looks right where the second one looks: from the place u ≥ 2 that the second layer looks at most, the first looks most at u − 1.
---
---As in Bietti et al. 2023, whose code has them by the same names.
---
---```lua
---local probes = mnemo.probes.attention_metrics()
---```
---@return table # the probes by name
function mnemo.probes.attention_metrics() end

---Tells of every head how much it is a previous-token head and an induction head.
---
---`previous`: its attention on the token before the current one, on average over positions 2…T. `induction`: its attention on all tokens that stand right after an earlier occurrence of the current token, together, on average over the positions of which there is such an occurrence. Both are shares of the attention, from 0 to 1; NaN where there is nothing to average. `previous_uniform` and `induction_uniform` are what a head would have at the same places that looks at all tokens so far alike.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---local model = mnemo.model.transformer { vocab = task.vocab_size, dim = 16, heads = 2, seed = 1 }
---for _, score in ipairs(mnemo.probes.head_scores(model, task:held_out(8).tokens)) do
---  print(score.layer, score.head, score.induction, score.induction_uniform)
---end
---```
---@param model mnemo.Model A built-in one, or a custom one that shows "layers.0.attention" and so on.
---@param tokens mnemo.IntTensor Ids [B, T].
---@param where? mnemo.Tensor A 0/1 mask [B, T] of the positions to average over; all without it.
---@return table[] # `{ layer=, head=, previous=, previous_uniform=, induction=, induction_uniform= }` of every head, layer by layer; none if the model has no attention
function mnemo.probes.head_scores(model, tokens, where) end

---Takes a trained matrix apart: W = α₀ W₀ + Σ_ij α_ij v_j u_iᵀ + rest.
---
---A gradient step on a memory adds outer products of outputs and inputs, weight decay shrinks everything by one factor. So what is outside of the span of the v_j should be α₀ W₀ alone, and α₀ is measured there: the multiple of W₀ that is nearest to W. The α_ij are those whose sum is nearest to the change W − α₀ W₀; of several, the smallest.
---
---```lua
---local U, V, W0 = mnemo.randn(5, 16), mnemo.randn(4, 16), mnemo.randn(16, 16)
---local parts = mnemo.probes.decompose(W0 * 0.9 + V[2]:outer(U[3]), W0, U, V)
---print(parts.alpha0, parts.alpha, parts.share)
---```
---@param W mnemo.Tensor The trained matrix [d_out, d_in].
---@param W0 mnemo.Tensor The matrix before training [d_out, d_in].
---@param U mnemo.Tensor Inputs u_i, one a row [n, d_in].
---@param V mnemo.Tensor Outputs v_j, one a row [m, d_out].
---@param alpha0? number α₀, where it is known; where the v_j span everything it cannot be measured, and is NaN without this.
---@return table # `alpha0`; `outside`, the size of W − α₀ W₀ outside of the span of the v_j, relative to that of W there; `alpha` [n, m], α_ij in row i and column j; `share`, how much of the squared change the outer products hold; `chance`, how much of a random matrix they hold
function mnemo.probes.decompose(W, W0, U, V, alpha0) end

---@class (exact) mnemo.probes.factual.Options
---@field held_out? integer Sequences in the fixed batch.

---Probes of what a model has learned of facts: the answers, or only what goes with a relation.
---
---On the current batch `acc`: how often the most likely answer is right; `loss_relation`: −log of the probability mass on the answers of the sequence's relation, in nats, which is 0 where the model knows the relation, whatever it makes of the subject; `loss_subject`: the same on the answers of all relations that have the right number within theirs; `mass_relation`: the mass on the relation's answers itself, that a model with p(a|r) has without knowing a fact. With `held_out`, the same on a fixed batch that training never sees, as `acc_test` and so on, and `loss_test`. The model runs once for each of the two.
---
---```lua
---local task = mnemo.data.factual { subjects = 8, relations = 4, answers = 4, seed = 1 }
---local model = mnemo.model.factual { vocab = task.vocab_size, answers = task.classes, seed = 1 }
---local run = mnemo.train {
---  model = model, data = task, steps = 20, batch_size = 64, eval_every = 10,
---  optimizer = mnemo.optim.adamw { lr = 0.01 },
---  probes = mnemo.probes.factual(task, { held_out = 64 }),
---}
---print(run:table { "acc_test", "loss_test", "loss_relation_test" })
---```
---@param task mnemo.Task A task of `data.factual`.
---@param options? mnemo.probes.factual.Options
---@return table # the probes by name
function mnemo.probes.factual(task, options) end

---Returns what the three memories of an induction head should hold in a simplified transformer, and the matrices that hold it; the probes of `induction` are their recall.
---
---`wk0`: from a position P[t] to the one before; `wk1`: from a trigger E[k] (any token if triggers are random) to its copy W_O⁰ W_V⁰ E[k]; `wo1`: from a value W_V¹ E[k] to its output row. Each is a table with `matrix` [d, d], which should take `inputs` [n, d] to `outputs` [n, d], row by row; `parameter`, the matrix's name, and `transposed`, whether `matrix` is that parameter's transpose, as in W_K, which queries stand to the left of. A memory that the model has no parameters for is left out.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
---local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 32 }
---local memory = mnemo.probes.induction_memories(model, task).wk1
---print(memory.parameter, mnemo.probes.recall(memory.matrix, memory.inputs, memory.outputs))
---```
---@param model mnemo.Model A simplified transformer.
---@param task mnemo.Task Its `triggers` say which tokens wk1 is about.
---@return table # the memories by name
function mnemo.probes.induction_memories(model, task) end

---Probes of the three memories that make an induction head in the simplified transformer.
---
---`wk0`: W_K⁰ finds the previous position, over all of them; `wk0_64`: over the first 64. `wk1`: W_K¹ finds, for each trigger, its copy as the first layer wrote it (queries E[k], keys W_K¹ W_O⁰ W_V⁰ E[k]; over the whole vocabulary if triggers are random). `wo1`: W_O¹ W_V¹ maps each token's embedding to its output row. A transformer with query matrices is an error: its W_K alone does not say what is compared.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
---local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 32 }
---local run = mnemo.train {
---  model = model, data = task, steps = 2, batch_size = 4,
---  optimizer = mnemo.optim.sgd { lr = 0.1 }, probes = mnemo.probes.induction(task),
---}
---print(run:table())
---```
---@param task mnemo.Task Its `triggers` say which tokens wk1 looks at.
---@return table # the probes by name
function mnemo.probes.induction(task) end

---Probes of how much of each memory's change is what it should learn.
---
---`change_wk0`, `change_wk1`, `change_wo1`: the cosine of the angle between W − W₀, where W₀ is the matrix when this is called, and the ideal sum Σ v uᵀ over the pairs of `induction_memories`. NaN before the first update. Recall tells when the right answer is the largest, of a few triggers for wk1 and of all tokens for wo1; the cosine has one unit for all three, and so shows the order in which they are learned.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
---local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 32 }
---local run = mnemo.train {
---  model = model, data = task, steps = 2, batch_size = 4, loss_on = "repeats",
---  optimizer = mnemo.optim.sgd { lr = 0.1 }, probes = mnemo.probes.change_cosines(task, model),
---}
---print(run:table())
---```
---@param task mnemo.Task Its `triggers` say which tokens wk1 is about.
---@param model mnemo.Model A simplified transformer, before training.
---@return table # the probes by name
function mnemo.probes.change_cosines(task, model) end

---Probe of the global statistics in the second feed-forward.
---
---`ff1`: mean over the tokens k that are no fixed trigger of KL(π_b(·|k) ‖ softmax(W_U F¹(E[k]))), in nats. For the simplified transformer only.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
---local probes = mnemo.probes.feed_forward_kl(task)
---```
---@param task mnemo.Task A task with a corpus.
---@return table # the probe ff1
function mnemo.probes.feed_forward_kl(task) end

---Probes of size, over all trained parameters together, and of each if a model is given.
---
---`param_norm`: Euclidean norm of the parameters; `grad_norm`: of their gradients as the last backward pass left them (NaN before the first). With a model, also of each parameter that is trained when this is called: `param_norm_NAME` and `grad_norm_NAME`.
---
---```lua
---local model = mnemo.model.simplified { vocab = 5, dim = 8, max_len = 8 }
---local probes = mnemo.probes.norms(model)
---print(probes["param_norm_layers.1.attention.wo.weight"] { model = model })
---```
---@param model? mnemo.Model The model whose parameters are to be told apart.
---@return table # the probes by name
function mnemo.probes.norms(model) end

---Tells how much of an associative memory comes back: the share of i with argmax_j v_jᵀ W u_i = i.
---
---```lua
---local U, V = mnemo.randn(5, 64), mnemo.randn(5, 64)
---print(mnemo.probes.recall(V:t():matmul(U), U, V))
---```
---@param W mnemo.Tensor The memory [d_out, d_in].
---@param U mnemo.Tensor Inputs u_i, one a row [n, d_in].
---@param V mnemo.Tensor Outputs v_j, one a row [m, d_out]; all of them are candidates.
---@param weights? mnemo.Tensor p(i), how much each i counts [n]; equal without it.
---@return number # from 0 to 1
function mnemo.probes.recall(W, U, V, weights) end

---Tells how alike two memories are: the share of inputs to which both give the same answer.
---
---```lua
---local U, V = mnemo.randn(5, 64), mnemo.randn(5, 64)
---local W = V:t():matmul(U)
---print(mnemo.probes.agreement(W, W + mnemo.randn(64, 64), U, V))
---```
---@param A mnemo.Tensor One memory [d_out, d_in].
---@param B mnemo.Tensor The other [d_out, d_in].
---@param U mnemo.Tensor Inputs, one a row [n, d_in].
---@param V mnemo.Tensor Outputs, one a row [m, d_out]; the answer to u is argmax_j v_jᵀ W u.
---@return number # from 0 to 1
function mnemo.probes.agreement(A, B, U, V) end

---Returns the cosine of the angle between two matrices, ⟨A, B⟩ / (‖A‖ ‖B‖).
---
---```lua
---print(mnemo.probes.cosine(mnemo.eye(3), mnemo.ones(3, 3)))
---```
---@param A mnemo.Tensor A tensor.
---@param B mnemo.Tensor One of the same shape.
---@return number # from −1 to 1; NaN if one of them is 0
function mnemo.probes.cosine(A, B) end

---Several runs of one experiment, which differ in their seeds: what they have in common, and by how much they differ.
---
---    local runs = mnemo.train { model = { first, second, third }, data = task, … }
---    local reached = mnemo.runs.last(runs, "acc_end")
---    print(mnemo.runs.spread(reached))                  -- 0.981 ± 0.002
---    mnemo.plot.lines { y = mnemo.runs.series(runs, "acc_end") }
---
---A run is what `mnemo.train` returns, or any table with its `history`.
---@class mnemo.runs
mnemo.runs = {}

---Loads a run from its folder: the history, number for number, the model and settings, and `resume`, which goes on in this process if all that the run was made of is built in. One that has functions of a script goes on there, by `mnemo.train { resume = dir, … }`.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---mnemo.train {
---  model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1 },
---  data = task, steps = 3, batch_size = 4, dir = "short", optimizer = mnemo.optim.sgd { lr = 1 },
---}
---local run = mnemo.runs.load "short"
---print(run.settings.optimizer.lr, run:resume(2).step)
---```
---@param dir string The folder that was given to `mnemo.train` as `dir`.
---@return mnemo.Run|table # the run; of models that were trained side by side the list of their runs
function mnemo.runs.load(dir) end

---Returns one column of each run's history, as `mnemo.plot.lines` takes it for a mean with a band.
---
---```lua
---local one = { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
---print(mnemo.runs.series({ one }, "loss")[1][2])
---```
---@param list mnemo.Run[] The runs.
---@param name string The column: "step", "loss" or a probe's name.
---@return table[] # a list of numbers for each run
function mnemo.runs.series(list, name) end

---Returns what each run measured last.
---
---```lua
---local one = { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
---print(mnemo.runs.last({ one }, "loss")[1])
---```
---@param list mnemo.Run[] The runs.
---@param name string The column.
---@return number[] # one number for each run
function mnemo.runs.last(list, name) end

---Picks points of a sweep by their fields, in their order; or what they have in one field.
---
---```lua
---local points = { { dim = 8, seed = 1, loss = 3 }, { dim = 8, seed = 2, loss = 4 } }
---print(mnemo.runs.spread(mnemo.runs.where(points, { dim = 8 }, "loss")))
---```
---@param points table[] Those of `mnemo.sweep`, or other tables.
---@param fields table The values by name, all of which a point must have.
---@param name? string A field: its values are returned in place of the points.
---@return any[] # the points or the values; nothing if no point has the fields
function mnemo.runs.where(points, fields, name) end

---Returns the first measured step of a run at which a column fulfils a condition.
---
---```lua
---local one = { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
---print(mnemo.runs.first_step(one, "loss", function(loss) return loss < 1.5 end))
---```
---@param run mnemo.Run The run.
---@param name string The column.
---@param condition function From the column's value to whether it is fulfilled.
---@return integer|nil # the step; nil if there is none
function mnemo.runs.first_step(run, name, condition) end

---@class (exact) mnemo.runs.on_plateau.Options
---@field patience? integer Records without an improvement, 1 or more. Default: 10.
---@field min_delta? number An improvement is more than this, 0 or more. Default: 0.
---@field mode? "max"|"min" Whether more is better, or less. Default: "max".

---Tells whether a column of a run has stopped getting better: the last `patience` records, or more, have not improved on the best one before them by more than `min_delta`. As `stop` of `mnemo.train` it ends a run early.
---
---```lua
---local task = mnemo.data.factual { subjects = 4, relations = 4, answers = 4, seed = 1 }
---local run = mnemo.train {
---  model = mnemo.model.factual { vocab = task.vocab_size, answers = task.classes, seed = 1 },
---  data = task, steps = 200, batch_size = 32, probes = mnemo.probes.factual(task),
---  optimizer = mnemo.optim.adamw { lr = 0.01 },
---  stop = function(_, run)
---    return mnemo.runs.on_plateau(run, "acc", { patience = 5, min_delta = 0.01 })
---  end,
---}
---print(run.step)
---```
---@param run mnemo.Run The run.
---@param name string The column; what is no number (NaN) improves on nothing.
---@param options? mnemo.runs.on_plateau.Options
---@return boolean
function mnemo.runs.on_plateau(run, name, options) end

---Returns mean and standard deviation (with n − 1) of a list of numbers.
---
---```lua
---print(mnemo.runs.summary { 1, 2, 3 })
---```
---@param values number[] Numbers.
---@return number # the mean; NaN of none
---@return number|nil # the standard deviation; nil for a single number
function mnemo.runs.summary(values) end

---Writes mean and standard deviation as "0.981 ± 0.002", a single number as "0.981", and none as "nan".
---
---```lua
---print(mnemo.runs.spread { 0.98, 0.99, 0.97 })
---```
---@param values number[] Numbers.
---@param digits? integer After the point. Default: 3.
---@return string
function mnemo.runs.spread(values, digits) end

---Returns the columns of a list of rows, as rows: numbers of each seed by setting become numbers of each setting by seed, and back.
---
---```lua
---print(mnemo.runs.transposed({ { 1, 2, 3 }, { 4, 5, 6 } })[3][2])
---```
---@param rows table[] Lists of one length.
---@return table[] # its column i is the i-th list
function mnemo.runs.transposed(rows) end

---Writes rows of cells as columns of text, the first to the left and the others to the right.
---
---```lua
---print(mnemo.runs.columns { { "seed", "accuracy" }, { 1, "0.98" }, { 2, "0.97" } })
---```
---@param rows table[] Lists of texts or numbers; the first row is the head.
---@return string # one line for each row
function mnemo.runs.columns(rows) end

---Makes one table of many runs: a list for each column, with a value for each run, as `mnemo.plot` takes them. A column is a setting (`optimizer.lr`, or `lr` where one part alone has it), a metric, which gives what it was last (`last.lr` where a setting has the name), or one of id, state, script, folder, sweep, position, step, started and ended. A run without it has NaN.
---
---```lua
---local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
---for _, lr in ipairs { 0.1, 0.2 } do
---  mnemo.train {
---    model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1 },
---    data = task, steps = 3, batch_size = 4, optimizer = mnemo.optim.sgd { lr = lr },
---    store = "rates.sqlite", progress = false,
---  }
---end
---local columns = mnemo.runs.collect("rates.sqlite", { "lr", "loss" })
---print(#columns.lr, columns.lr[2])
---```
---@param from mnemo.Store|string|table A store, its path, or a list of folders of results.
---@param names string[] The columns.
---@return table # name to a list of values
function mnemo.runs.collect(from, names) end

---Learning rates that change over training: functions of the step, counted from 0, for the `lr` of an optimizer or of a group.
---
---    local lr = mnemo.schedules.cosine { lr = 1e-3, steps = 1000, warmup = 100 }
---    local optimizer = mnemo.optim.adamw { lr = lr }
---
---Any function from a step to a number will do; these are the usual ones. All but `step` begin with `warmup` steps, in which the rate grows in equal parts: lr/warmup at step 0, lr at step warmup − 1.
---@class mnemo.schedules
mnemo.schedules = {}

---@class (exact) mnemo.schedules.cosine.Options
---@field lr number The largest rate.
---@field steps integer After how many steps `final` is reached, warm-up included.
---@field warmup? integer Steps in which the rate grows. Default: 0.
---@field final? number The last rate. Default: 0.

---Returns a schedule that goes from `lr` to `final` along half a cosine, and stays there.
---
---```lua
---local lr = mnemo.schedules.cosine { lr = 0.1, steps = 100, warmup = 10, final = 0.01 }
---print(lr(0), lr(10), lr(55), lr(100))
---```
---@param options mnemo.schedules.cosine.Options
---@return function # from the step, counted from 0, to the rate
function mnemo.schedules.cosine(options) end

---@class (exact) mnemo.schedules.linear.Options
---@field lr number The largest rate.
---@field steps integer After how many steps `final` is reached, warm-up included.
---@field warmup? integer Steps in which the rate grows. Default: 0.
---@field final? number The last rate. Default: 0.

---Returns a schedule that goes from `lr` to `final` in equal parts, and stays there.
---
---```lua
---local lr = mnemo.schedules.linear { lr = 0.1, steps = 100 }
---print(lr(0), lr(50), lr(100))
---```
---@param options mnemo.schedules.linear.Options
---@return function # from the step, counted from 0, to the rate
function mnemo.schedules.linear(options) end

---@class (exact) mnemo.schedules.warmup.Options
---@field lr number The largest rate.
---@field warmup? integer Steps in which the rate grows. Default: 0.

---Returns a schedule that grows to `lr` in equal parts, and stays there.
---
---```lua
---local lr = mnemo.schedules.warmup { lr = 0.1, warmup = 10 }
---print(lr(0), lr(9), lr(1000))
---```
---@param options mnemo.schedules.warmup.Options
---@return function # from the step, counted from 0, to the rate
function mnemo.schedules.warmup(options) end

---@class (exact) mnemo.schedules.step.Options
---@field lr number The first rate.
---@field every integer How many steps have one rate.
---@field factor? number What the rate is multiplied by. Default: 0.1.

---Returns a schedule that multiplies the rate by `factor` after every so many steps.
---
---```lua
---local lr = mnemo.schedules.step { lr = 0.1, every = 100, factor = 0.5 }
---print(lr(99), lr(100), lr(200))
---```
---@param options mnemo.schedules.step.Options
---@return function # from the step, counted from 0, to the rate
function mnemo.schedules.step(options) end

---Numbers with their errors, and whether two of them differ by more.
---
---A measurement is a table `{ mean =, error =, count =, freedom = }`: a mean, its standard error, how many values it was made of, and the error's degrees of freedom, one less than the seeds or sequences that it was taken over; an error without them counts as known exactly. Where there is no error to be known, of one value alone, `error` is nil; a mean of nothing is NaN.
---
---    local right = mnemo.probes.answers(model, task)
---    local rest = mnemo.stats.share(right.hits, right.sequences)
---    print(mnemo.stats.text(rest))                         -- 0.361 ± 0.006
---@class mnemo.stats
mnemo.stats = {}

---Returns mean and standard error of a list of numbers, of several seeds for example.
---
---```lua
---print(mnemo.stats.of({ 0.98, 0.99, 0.97 }).error)
---```
---@param values number[] Numbers that do not depend on each other.
---@return table # the measurement
function mnemo.stats.of(values) end

---Returns the share of places where a 0/1 vector is 1, with the standard error over sequences: places in one sequence depend on each other, so that the sequences are what is counted.
---
---With y_i ones among the n_i places of sequence i and r = Σy / Σn, the error is √(G / (G − 1) · Σ (y_i − r·n_i)²) / Σn for G sequences: that of a ratio of sums. It is at least 1/G: where all are alike, G sequences have shown no more.
---
---```lua
---local hits, sequences = mnemo.tensor { 1, 0, 1 }, mnemo.int_tensor { 1, 1, 2 }
---print(mnemo.stats.share(hits, sequences).mean)
---```
---@param hits mnemo.Tensor 0 or 1, [R].
---@param sequences mnemo.IntTensor|mnemo.Tensor Which sequence each place belongs to, [R].
---@param where? mnemo.Tensor A 0/1 vector of the places that count, [R]; all without it.
---@return table # the measurement; `count` is the number of places
function mnemo.stats.share(hits, sequences, where) end

---Returns the mean of what several seeds measured. Its error is that over the seeds, but no less than what the choice of sequences makes, which is all that is known of a single seed. The degrees of freedom are those over the seeds, if there are several.
---
---```lua
---local seeds = { { mean = 0.9, error = 0.01 }, { mean = 0.8, error = 0.01 } }
---print(mnemo.stats.text(mnemo.stats.over_seeds(seeds)))
---```
---@param measured table[] One measurement for each seed.
---@return table # the measurement
function mnemo.stats.over_seeds(measured) end

---Returns the quantile of Student's t distribution: with the default, the number of standard errors that a mean is off by no more, either way, in 95 of 100 cases.
---
---```lua
---print(mnemo.stats.t_quantile(2), mnemo.stats.t_quantile(math.huge))
---```
---@param freedom number Degrees of freedom, at least 1; math.huge gives the normal distribution's.
---@param probability? number Of a value below it, from 0.5 to 0.9999. Default: 0.975.
---@return number
function mnemo.stats.t_quantile(freedom, probability) end

---Tells whether two measurements differ by more than their errors, by Welch's test.
---
---They do if the difference is more than t times its standard error, √(e_a² + e_b²), where t is the quantile of Student's distribution with the degrees of freedom of that error: 4.30 for a mean over three seeds beside a number, 2.78 for two such means with like errors, 1.96 for errors over very many sequences. So of pairs that are alike one in twenty is told to differ.
---
---Nothing is told where an error is not known, a mean is NaN, or both errors are 0 and the means are one number.
---
---```lua
---local high, low = mnemo.stats.of { 0.9, 0.93, 0.91 }, mnemo.stats.of { 0.6, 0.5, 0.6 }
---print(mnemo.stats.compare(high, low), mnemo.stats.compare(high, 0.9))
---```
---@param a table A measurement, or a number that has no error.
---@param b table The same.
---@param probability? number Of the quantile; at 0.999 it is 3.09 of many sequences. Default: 0.975.
---@return string|nil # "more" if a is larger, "less" if it is smaller, nil if that cannot be told
function mnemo.stats.compare(a, b, probability) end

---Writes a measurement as "0.361 ± 0.006", without an error where none is known, and "none" where there was nothing to measure.
---
---```lua
---print(mnemo.stats.text { mean = 0.361, error = 0.006 })
---```
---@param measured table The measurement.
---@param digits? integer After the point. Default: 3.
---@return string
function mnemo.stats.text(measured, digits) end

return mnemo
