// Suspensions, and rules that hold new mail: laid down, shown, ended.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/log.h"
#include "base/units.h"
#include "frontend/adminapi/queue_call.h"
#include "frontend/adminapi/queue_jobs.h"

namespace godwit::adminapi {
namespace {

using queue::Rule;

std::string_view kind_text(Rule::Kind kind) {
  switch (kind) {
    case Rule::Kind::suspend: return "suspend";
    case Rule::Kind::hold_new: return "hold new";
    case Rule::Kind::action: return "action";
  }
  return "unknown";
}

boost::json::object describe(const Context& context, const Rule& rule) {
  boost::json::object out{{"number", rule.number}, {"kind", kind_text(rule.kind)},      {"what", rule.text()},
                          {"why", rule.why},       {"made", format_rfc3339(rule.made)}, {"filter", describe_filter(rule.filter)}};
  if (!rule.site.empty()) out["site"] = rule.site;
  if (rule.until) out["until"] = format_rfc3339(*rule.until);
  if (rule.kind != Rule::Kind::action) return out;
  out["action"] = to_text(rule.action);
  const Progress progress = context.jobs->progress(rule.number);
  out["done"] = progress.done;
  out["of"] = progress.of;
  return out;
}

// What a suspension may be about: what stays the same of a message.
Result<Rule> read_rule(const Call& call, Rule::Kind kind, WallTime now) {
  Rule rule;
  rule.kind = kind;
  GODWIT_ASSIGN(rule.filter, filter_of_body(call, now));
  rule.site = call.text("site");
  rule.why = call.text("why");
  const queue::Filter& filter = rule.filter;
  if (filter.id || filter.before || filter.held || filter.urgency || !filter.reason.empty())
    return fail(Error::syntax("a rule is about --from, --sender, --tenant, --domain, --to or --site alone", 0));
  if (!rule.site.empty() && (kind != Rule::Kind::suspend || filter.any()))
    return fail(Error::syntax("--site stands alone, and only a suspension knows sites", 0));
  if (rule.site.empty() && !filter.any())
    return fail(Error::syntax("say what: --from, --sender, --tenant, --domain, --to or --site (--to '*' means all)", 0));
  if (const std::string length = call.text("for"); !length.empty()) {
    const auto duration = parse_duration(length);
    if (!duration || *duration <= Duration(0) || kind != Rule::Kind::suspend)
      return fail(Error::syntax(fmt::format("--for {}: a suspension is for a time like 30m, 2h, 1d", length), 0));
    rule.until = now + *duration;
  }
  return rule;
}

bool is_like(const Rule& a, const Rule& b) {
  return a.kind == b.kind && a.site == b.site && describe_filter(a.filter) == describe_filter(b.filter);
}

Answer add(Context& context, Call call, Rule::Kind kind) {
  auto rule = read_rule(call, kind, context.clock.now());
  if (!rule) co_return answer_error(rule.error());
  std::uint64_t reached = 0;
  const auto before = context.queue.rules();
  auto added = co_await context.queue.add_rule(*rule);
  if (!added) co_return answer_error(added.error());
  for (const Rule& old : before->all()) {  // the new one stands in its place
    if (is_like(old, *rule)) ignore(co_await context.queue.remove_rule(old.number), "two say the same");
  }
  if (context.rules_changed) context.rules_changed();
  log::info("rule", {{"number", added->number}, {"kind", kind_text(kind)}, {"what", added->text()}, {"reason", added->why}});
  if (kind == Rule::Kind::suspend && added->site.empty()) {
    queue::Filter filter = added->filter;
    const auto meant = co_await find_cards(context, std::move(filter));
    reached = meant.size();
  }
  auto out = describe(context, *added);
  out["count"] = reached;
  co_return answer_json(std::move(out));
}

// By number, by the same words as it was made with, or all of a kind.
Answer end(Context& context, Call call, Rule::Kind kind) {
  const auto* number = call.body.if_contains("number");
  const auto* all = call.body.if_contains("all");
  const bool every = all && all->is_bool() && all->as_bool();
  std::vector<Rule> ended;
  Rule like;
  if (!number && !every) {
    auto rule = read_rule(call, kind, context.clock.now());
    if (!rule) co_return answer_error(rule.error());
    like = *std::move(rule);
  }
  const auto rules = context.queue.rules();
  for (const Rule& rule : rules->all()) {
    if (rule.kind == Rule::Kind::action) continue;
    if (number ? rule.number == number->to_number<std::uint64_t>() : rule.kind == kind && (every || is_like(rule, like)))
      ended.push_back(rule);
  }
  boost::json::array out;
  for (const Rule& rule : ended) {
    const auto removed = co_await context.queue.remove_rule(rule.number);
    if (!removed) co_return answer_error(removed.error());
    out.push_back(describe(context, rule));
    log::info("rule_ended", {{"number", rule.number}, {"what", rule.text()}});
  }
  if (ended.empty() && !every) co_return answer_error(404, "there is no such rule; those that there are: godwit queue rules");
  if (context.rules_changed) context.rules_changed();
  const std::size_t count = ended.size();
  co_return answer_json({{"ok", true}, {"count", count}, {"rules", std::move(out)}});
}

Answer list(Context& context) {
  boost::json::array out;
  const WallTime now = context.clock.now();
  const auto rules = context.queue.rules();
  for (const Rule& rule : rules->all())
    if (!rule.is_over(now)) out.push_back(describe(context, rule));
  co_return answer_json({{"rules", std::move(out)}});
}

}  // namespace

Answer queue_rules(Context& context, Call call) {
  if (call.method == "GET") co_return co_await list(context);
  const std::string verb = call.text("action");
  if (verb == "suspend") co_return co_await add(context, std::move(call), Rule::Kind::suspend);
  if (verb == "hold") co_return co_await add(context, std::move(call), Rule::Kind::hold_new);
  if (verb == "resume") co_return co_await end(context, std::move(call), Rule::Kind::suspend);
  if (verb == "release") co_return co_await end(context, std::move(call), Rule::Kind::hold_new);
  co_return answer_error(400, "action must be suspend, resume, hold or release");
}

}  // namespace godwit::adminapi
