// Retry, hold, release, drop and reroute: of a few messages at once, of many in the background (queue_jobs.h).

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "edge/net/task_group.h"
#include "frontend/adminapi/queue_call.h"
#include "frontend/adminapi/queue_jobs.h"

namespace godwit::adminapi {
namespace {

using queue::Rule;
using Action = queue::Rule::Action;

constexpr std::size_t kNamed = 10'000;  // messages one answer names at most
constexpr std::size_t kFew = 200;       // done before the answer
constexpr Duration kPatience = std::chrono::seconds(30);
constexpr Duration kLook = std::chrono::milliseconds(200);

std::optional<Action> parse_action(std::string_view text) {
  for (const Action action : {Action::retry, Action::hold, Action::release, Action::drop, Action::reroute})
    if (to_text(action) == text) return action;
  return std::nullopt;
}

struct Acted {
  std::uint64_t count = 0;
  std::uint64_t asked = 0;  // of them: an attempt is under way, it is done as that ends
  std::uint64_t busy = 0;   // not done: they are being tried, and that cannot wait for it
  boost::json::array ids;   // the first kNamed
};

Task<Result<bool>> is_meant(Context& context, const Rule& rule, Meant meant) {
  if (meant.sure) co_return true;
  auto message = co_await context.queue.load(meant.id);
  if (!message) co_return fail(std::move(message).error());
  co_return message->has_value() && rule.filter.matches(**message);
}

Task<Result<void>> act_on_each(Context& context, std::vector<Meant> all, const Rule& rule, Acted& acted) {
  std::vector<MessageId> reached;
  for (const Meant& meant : all) {
    if (context.stopping && context.stopping())
      co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping, try again when it is up"));
    GODWIT_CO_ASSIGN(const bool wanted, co_await is_meant(context, rule, meant));
    if (!wanted) continue;
    Rule copy = rule;
    const auto done = co_await act_on(context, meant.id, std::move(copy), false);
    if (!done && done.error().cause == Error::Cause::conflict && !rule.filter.id) {
      ++acted.busy;
      continue;
    }
    if (!done) co_return fail(done.error());
    if (!*done) continue;
    ++acted.count;
    reached.push_back(meant.id);
    if (acted.ids.size() < kNamed) acted.ids.push_back(boost::json::value(meant.id.text()));
  }
  if (rule.action != Action::hold && rule.action != Action::drop) co_return Result<void>{};
  const auto since = co_await attempting_since(context, std::move(reached));
  acted.asked = static_cast<std::uint64_t>(std::ranges::count_if(since, [](const auto& each) { return each.has_value(); }));
  co_return Result<void>{};
}

Answer act_at_once(Context& context, std::vector<Meant> meant, Rule rule) {
  Acted acted;
  const auto done = co_await act_on_each(context, std::move(meant), rule, acted);
  if (!done)
    co_return answer_error(status_of(done.error()), fmt::format("{}; {} messages were done before", done.error().text, acted.count));
  if (rule.filter.id && acted.count == 0) co_return answer_error(404, fmt::format("{} is not in the queue", rule.filter.id->text()));
  co_return answer_json({{"ok", true},
                         {"count", acted.count},
                         {"asked", acted.asked},
                         {"busy", acted.busy},
                         {"going_on", false},
                         {"messages", std::move(acted.ids)}});
}

// Seconds after a start, as a rule.
Task<bool> is_read(Context& context) {
  const SteadyTime end = context.clock.steady() + kPatience;
  while (true) {
    const bool complete = co_await catalogue_is_complete(context);
    if (complete || context.clock.steady() >= end || (context.tasks && context.tasks->stopping())) co_return complete;
    co_await context.clock.sleep(kLook);
  }
}

// The rule takes effect with the next attempt that would be made; the rows follow.
Answer act_in_background(Context& context, std::vector<Meant> meant, Rule rule, bool wait) {
  rule.up_to = meant.back().id;
  auto kept = co_await context.queue.add_rule(std::move(rule));
  if (!kept) co_return answer_error(kept.error());
  if (context.rules_changed) context.rules_changed();
  const std::uint64_t number = kept->number;
  Progress progress;
  progress.of = meant.size();
  context.jobs->set(number, progress);
  const bool all_sure = std::ranges::all_of(meant, &Meant::sure);
  const auto executor = co_await this_executor();
  net::spawn(executor, *context.tasks, "queue action", carry_out(context, *kept));
  while (wait && !progress.over && !context.tasks->stopping()) {
    co_await context.clock.sleep(kLook);
    progress = context.jobs->progress(number);
  }
  co_return answer_json({{"ok", true},
                         {"count", progress.over ? progress.done : meant.size()},
                         {"at_most", !progress.over && !all_sure},
                         {"failed", progress.failed},
                         {"asked", 0},
                         {"going_on", !progress.over},
                         {"number", number},
                         {"messages", boost::json::array()}});
}

}  // namespace

Answer queue_act(Context& context, Call call) {
  Rule rule;
  rule.kind = Rule::Kind::action;
  const auto action = parse_action(call.text("action"));
  if (!action) co_return answer_error(400, "action must be retry, hold, release, drop or reroute");
  rule.action = *action;
  rule.why = call.text("why");
  auto filter = filter_of_body(call, context.clock.now());
  if (!filter) co_return answer_error(filter.error());
  rule.filter = *std::move(filter);
  const bool careful = *action == Action::drop || *action == Action::hold || *action == Action::reroute;
  if (careful && !rule.filter.any())
    co_return answer_error(400, "say which messages: --id, --to, --from or another filter (--to '*' means all)");
  if (*action == Action::reroute) {
    if (!call.body.contains("next_hop"))
      co_return answer_error(400, "say where to: --via smtp://host:25, or --back to where the routes say");
    rule.next_hop = call.text("next_hop");
    const auto hop = routing::parse_hop(rule.next_hop);
    if (!rule.next_hop.empty() && !hop) co_return answer_error(400, fmt::format("{}: {}", rule.next_hop, hop.error().text));
  }
  bool complete = rule.filter.id.has_value();
  if (!complete) complete = co_await is_read(context);
  if (!complete) co_return answer_error(503, "the queue is still being read after the start; try again in a while");
  queue::Filter which = rule.filter;
  auto meant = co_await find_cards(context, std::move(which));
  if (!context.tasks || meant.size() <= kFew) co_return co_await act_at_once(context, std::move(meant), std::move(rule));
  const auto* wait = call.body.if_contains("wait");
  const bool waits = wait && wait->is_bool() && wait->as_bool();
  co_return co_await act_in_background(context, std::move(meant), std::move(rule), waits);
}

Answer queue_readdress(Context& context, Call call) {
  const std::string text = call.text("id");
  const auto id = parse_message_id(text);
  if (!id) co_return answer_error(400, fmt::format("\"{}\" is not a message id; ids look like 1jmp588dr08et", text));
  auto from = smtp::parse_address(call.text("to"));
  if (!from) co_return answer_error(400, fmt::format("--to {}: {}", call.text("to"), from.error().text));
  auto to = smtp::parse_address(call.text("new"));
  if (!to) co_return answer_error(400, fmt::format("--new {}: {}", call.text("new"), to.error().text));
  scheduler::Scheduler::Change change;
  change.what = scheduler::Scheduler::Change::What::readdress;
  change.old_address = *std::move(from);
  change.new_address = *std::move(to);
  change.why = "by the administrator";
  const auto done = co_await context.change(*id, std::move(change));
  if (!done) co_return answer_error(done.error());
  if (!*done) co_return answer_error(404, fmt::format("{} is not in the queue", id->text()));
  co_return answer_json({{"ok", true}, {"count", 1}});
}

}  // namespace godwit::adminapi
