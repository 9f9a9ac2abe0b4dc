#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {
namespace {

using Action = scheduler::Scheduler::Action;
constexpr std::size_t kPageRows = 500;
constexpr std::size_t kListLimit = 10'000;  // messages one answer shows at most

std::string_view to_text(queue::Recipient::State state) {
  switch (state) {
    case queue::Recipient::State::pending: return "pending";
    case queue::Recipient::State::delivered: return "delivered";
    case queue::Recipient::State::bounced: return "bounced";
    case queue::Recipient::State::dropped: return "dropped";
  }
  return "pending";
}

boost::json::object describe(const queue::Recipient& recipient) {
  boost::json::object out{{"to", recipient.address.text()}, {"state", to_text(recipient.state)}, {"attempts", recipient.attempts}};
  if (!recipient.original.empty()) out["original"] = recipient.original;
  if (recipient.state == queue::Recipient::State::pending && recipient.next_attempt != WallTime{})
    out["next_attempt"] = format_rfc3339(recipient.next_attempt);
  if (!recipient.last.text.empty() || recipient.last.status.present())
    out["last"] = {{"status", recipient.last.status.text()},
                   {"text", recipient.last.text},
                   {"remote", recipient.last.remote},
                   {"remote_reply", recipient.last.remote_reply}};
  return out;
}

boost::json::object describe(const queue::Message& message) {
  boost::json::array recipients;
  for (const auto& recipient : message.recipients) recipients.push_back(describe(recipient));
  boost::json::object out{{"id", message.id.text()},
                          {"from", message.reverse_path.text()},
                          {"size", message.prefix.size() + message.size},
                          {"accepted", format_rfc3339(message.accepted)},
                          {"held", message.held},
                          {"recipients", std::move(recipients)}};
  if (message.held) out["held_because"] = message.held_because;
  if (!message.identity.empty()) out["identity"] = message.identity;
  if (!message.client.empty()) out["client"] = message.client;
  return out;
}

struct Filter {
  std::optional<MessageId> id;
  std::string to;
  std::string from;

  bool any() const { return id || !to.empty() || !from.empty(); }
  bool matches(const queue::Message& message) const {
    if (id && message.id != *id) return false;
    if (!from.empty() && !glob_match(from, message.reverse_path.text())) return false;
    if (to.empty()) return true;
    for (const auto& recipient : message.recipients)
      if (recipient.state == queue::Recipient::State::pending && glob_match(to, recipient.address.text())) return true;
    return false;
  }
};

Result<Filter> make_filter(const std::string& id, std::string to, std::string from) {
  Filter filter{std::nullopt, std::move(to), std::move(from)};
  if (!id.empty()) {
    const auto parsed = parse_message_id(id);
    if (!parsed) return fail(Error::syntax(fmt::format("\"{}\" is not a message id; ids look like 01hqz8k3v9x2m", id), 0));
    filter.id = *parsed;
  }
  return filter;
}

// Every message that matches, up to `limit`; `more` says whether there were others.
Task<Result<std::vector<queue::Message>>> select(Context& context, const Filter& filter, std::size_t limit, bool& more) {
  std::vector<queue::Message> found;
  more = false;
  if (filter.id) {
    GODWIT_CO_ASSIGN(auto one, co_await context.queue.load(*filter.id));
    if (one && filter.matches(*one)) found.push_back(std::move(*one));
    co_return found;
  }
  std::optional<MessageId> after;
  for (;;) {
    GODWIT_CO_ASSIGN(auto page, co_await context.queue.list(after, kPageRows));
    if (page.empty()) co_return found;
    after = page.back().id;
    for (auto& message : page) {
      if (!filter.matches(message)) continue;
      if (found.size() == limit) {
        more = true;
        co_return found;
      }
      found.push_back(std::move(message));
    }
  }
}

Answer list(Context& context, Call call) {
  auto filter = make_filter(call.query("id"), call.query("to"), call.query("from"));
  if (!filter) co_return answer_error(filter.error());
  bool more = false;
  const auto found = co_await select(context, *filter, kListLimit, more);
  if (!found) co_return answer_error(found.error());
  boost::json::array messages;
  for (const auto& message : *found) messages.push_back(describe(message));
  co_return answer_json({{"messages", std::move(messages)}, {"more", more}});
}

Answer summary(Context& context) {
  const auto totals = context.queue.totals();
  boost::json::array sites;
  for (const auto& site : co_await context.sites()) {
    boost::json::object row{{"site", site.name}, {"waiting", site.waiting}, {"connections", site.connections}, {"down", site.down}};
    if (site.down) {
      row["next_probe"] = format_rfc3339(site.next_probe);
      row["last_error"] = site.last_error;
    }
    sites.push_back(std::move(row));
  }
  co_return answer_json({{"messages", totals.messages},
                         {"recipients", totals.recipients},
                         {"held", totals.held},
                         {"bytes", totals.bytes},
                         {"sites", std::move(sites)}});
}

Answer show(Context& context, Call call) {
  const auto id = parse_message_id(call.path[0]);
  if (!id) co_return answer_error(400, fmt::format("\"{}\" is not a message id; ids look like 01hqz8k3v9x2m", call.path[0]));
  const auto message = co_await context.queue.load(*id);
  if (!message) co_return answer_error(message.error());
  if (!*message)
    co_return answer_error(404, fmt::format("{} is not in the queue; what became of it: godwit trace {}", id->text(), id->text()));
  co_return answer_json(describe(**message));
}

std::optional<Action> parse_action(std::string_view text) {
  if (text == "retry") return Action::retry;
  if (text == "hold") return Action::hold;
  if (text == "release") return Action::release;
  if (text == "drop") return Action::drop;
  return std::nullopt;
}

Answer act(Context& context, Call call) {
  const auto action = parse_action(call.text("action"));
  if (!action) co_return answer_error(400, "action must be retry, hold, release or drop");
  auto filter = make_filter(call.text("id"), call.text("to"), call.text("from"));
  if (!filter) co_return answer_error(filter.error());
  const bool careful = *action == Action::drop || *action == Action::hold;
  if (careful && !filter->any()) co_return answer_error(400, "say which messages: --id, --to or --from (--to '*' means all)");
  bool more = false;
  const auto found = co_await select(context, *filter, SIZE_MAX, more);
  if (!found) co_return answer_error(found.error());
  boost::json::array done;
  const std::string why = "by the administrator";
  for (const auto& message : *found) {
    const auto acted = co_await context.act(message.id, *action, why);
    if (!acted) co_return answer_error(acted.error());
    if (*acted) done.push_back(boost::json::value(message.id.text()));
  }
  if (filter->id && done.empty()) co_return answer_error(404, fmt::format("{} is not in the queue", filter->id->text()));
  co_return answer_json({{"ok", true}, {"messages", std::move(done)}});
}

}  // namespace

Answer queue_resource(Context& context, Call call) {
  if (call.method == "POST" && call.path.size() == 1 && call.path[0] == "actions") co_return co_await act(context, std::move(call));
  if (call.method != "GET" || call.path.size() > 1) co_return answer_not_found(call);
  if (call.path.empty()) co_return co_await list(context, std::move(call));
  if (call.path[0] == "summary") co_return co_await summary(context);
  co_return co_await show(context, std::move(call));
}

}  // namespace godwit::adminapi
