--- The tour that `:tour` opens: a list of steps, each a title, a text, and code that is run.
return {
  {
    title = "Lua that answers",
    text = "An expression prints its value, and _ is the last one. Everything counts from 1.",
    code = "mnemo.arange(1, 5):square():sum()",
  },
  {
    title = "A corpus",
    text = [[
Tasks draw their tokens from the statistics of a corpus: here 65 characters of Shakespeare, with
how often each follows each.]],
    code = "local corpus = mnemo.corpus.shakespeare()\ncorpus",
  },
  {
    title = "Data",
    text = [[
Sequences follow the corpus, but a trigger is always followed by an output that is drawn anew for
each sequence: whoever predicts the second one must have looked back at the first.]],
    code = [[
local task = mnemo.data.bigram {
  corpus = corpus, triggers = 5, seq_len = 64, seed = 1,
}
task]],
  },
  {
    title = "A batch",
    text = "Tokens, the tokens that follow them, and how often a trigger has been seen.",
    code = "task:batch(3, 1)",
  },
  {
    title = "A model",
    text = [[
Two layers of attention whose embeddings are random and frozen: what is learned must be stored in
the matrices that are trained.]],
    code = [[
local model = mnemo.model.simplified {
  vocab = task.vocab_size, dim = 64, max_len = 64, seed = 1,
}
model]],
  },
  {
    title = "Before training",
    text = [[
The loss at the second and later outputs, in nats. Nothing is known yet: it is near log 65, 4.17,
or above.]],
    code = 'model:loss(task:held_out(32), "repeats"):item()',
  },
  {
    title = "Training, with probes",
    text = [[
Probes watch the memories that make an induction head. Ctrl-C would end the run early and keep
what it has.]],
    code = [[
local run = mnemo.train {
  model = model, data = task, steps = 200, batch_size = 64, loss_on = "repeats",
  eval_every = 10, optimizer = mnemo.optim.sgd { lr = 0.2, momentum = 0.9 },
  probes = mnemo.probes.induction(task), progress = false,
}
run]],
  },
  {
    title = "A figure",
    text = "Figures are drawn with characters here, and saved as SVG, PNG or PDF by figure:save.",
    code = [[
mnemo.plot.lines {
  x = run:series "step", xlabel = "step", title = "recall of three memories",
  series = {
    { name = "wk1", y = run:series "wk1" },
    { name = "wk0", y = run:series "wk0" },
    { name = "wo1", y = run:series "wo1" },
  },
}]],
  },
  {
    title = "A probe of your own",
    text = [[
A probe is a function. This one measures how far a matrix has moved from where it began, on the
model that was trained and on one that was not.]],
    code = [[
local fresh = mnemo.model.simplified(model.config)
function distance(name) return (model:get(name) - fresh:get(name)):norm():item() end
{ wk0 = distance "layers.0.attention.wk.weight", wk1 = distance "layers.1.attention.wk.weight" }]],
  },
  {
    title = "Looking inside",
    text = [[
Where the second layer looks, in one sequence: row by row, from each token to those before it. A
head that has learned looks at what followed the same trigger before.]],
    code = [[
local attention = model:attention(task:batch(1, 1).tokens, 2)[1][1]
mnemo.plot.heatmap { matrix = attention:narrow(1, 1, 40):narrow(2, 1, 40) }]],
  },
}
