#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "frontend/adminapi/resource.h"
#include "frontend/adminapi/waiting.h"

namespace godwit::adminapi {
namespace {

using Action = scheduler::Scheduler::Action;
constexpr std::size_t kPageRows = 100;           // messages in memory at once
constexpr std::size_t kListLimit = 10'000;       // messages one answer names at most
constexpr std::size_t kListRecipients = 50'000;  // recipients one answer shows at most

std::string_view to_text(queue::Recipient::State state) {
  switch (state) {
    case queue::Recipient::State::pending: return "pending";
    case queue::Recipient::State::delivered: return "delivered";
    case queue::Recipient::State::bounced: return "bounced";
    case queue::Recipient::State::dropped: return "dropped";
  }
  return "pending";
}

boost::json::object describe(const queue::Message& message, const queue::Recipient& recipient, WallTime now,
                             std::optional<WallTime> since) {
  boost::json::object out{{"to", recipient.address.text()}, {"state", to_text(recipient.state)}, {"attempts", recipient.attempts}};
  if (!recipient.original.empty()) out["original"] = recipient.original;
  if (recipient.state == queue::Recipient::State::pending && recipient.next_attempt != WallTime{})
    out["next_attempt"] = format_rfc3339(recipient.next_attempt);
  if (const auto when = next_try(message, recipient, now); !when.empty()) out["next_try"] = when;
  if (const auto why = why_it_waits(message, recipient, since); !why.empty()) out["why"] = why;
  if (!recipient.last.text.empty() || recipient.last.status.present())
    out["last"] = {{"status", recipient.last.status.text()},
                   {"class", recipient.last.reply_class},
                   {"text", recipient.last.text},
                   {"remote", recipient.last.remote},
                   {"remote_reply", recipient.last.remote_reply}};
  return out;
}

boost::json::object describe(const queue::Message& message, WallTime now, std::optional<WallTime> since) {
  boost::json::array recipients;
  for (const auto& recipient : message.recipients) recipients.push_back(describe(message, recipient, now, since));
  boost::json::object out{{"id", message.id.text()},
                          {"from", message.reverse_path.text()},
                          {"size", message.prefix.size() + message.size},
                          {"accepted", format_rfc3339(message.accepted)},
                          {"held", message.held},
                          {"recipients", std::move(recipients)}};
  if (message.held) out["held_because"] = message.held_because;
  if (since) out["attempting_since"] = format_rfc3339(*since);
  if (!message.identity.empty()) out["identity"] = message.identity;
  if (!message.client.empty()) out["client"] = message.client;
  return out;
}

// Of messages, in their order. Asked after their rows were read: who is done by then is "not tried yet" for a moment at most.
Task<std::vector<std::optional<WallTime>>> attempting_since(Context& context, std::vector<MessageId> ids) {
  if (!context.attempting_since || ids.empty()) co_return std::vector<std::optional<WallTime>>(ids.size());
  co_return co_await context.attempting_since(std::move(ids));
}

std::vector<MessageId> ids_of(const std::vector<queue::Message>& messages) {
  std::vector<MessageId> ids;
  ids.reserve(messages.size());
  for (const auto& message : messages) ids.push_back(message.id);
  return ids;
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
    if (!parsed) return fail(Error::syntax(fmt::format("\"{}\" is not a message id; ids look like 1jmp588dr08et", id), 0));
    filter.id = *parsed;
  }
  return filter;
}

// The messages that match, a page of the queue at a time, however many wait. It ends after as many messages as there were at its
// start (and a page more, for those that were on their way in), so that a busy queue does not keep it going.
class Walk {
 public:
  Walk(Context& context, Filter filter)
      : context_(context), filter_(std::move(filter)), seen_at_most_(context.queue.totals().messages + kPageRows) {}

  // The matches of the next page, perhaps none; nothing when the walk is over.
  Task<Result<std::optional<std::vector<queue::Message>>>> next() {
    std::vector<queue::Message> page;
    if (over_) co_return std::nullopt;
    if (filter_.id) {
      over_ = true;
      GODWIT_CO_ASSIGN(auto one, co_await context_.queue.load(*filter_.id));
      if (one) page.push_back(std::move(*one));
    } else {
      GODWIT_CO_ASSIGN(page, co_await context_.queue.list(after_, kPageRows));
      seen_ += page.size();
      over_ = page.empty() || seen_ >= seen_at_most_;
      if (!page.empty()) after_ = page.back().id;
    }
    std::erase_if(page, [this](const queue::Message& message) { return !filter_.matches(message); });
    co_return std::optional(std::move(page));
  }

 private:
  Context& context_;
  const Filter filter_;
  const std::uint64_t seen_at_most_;
  std::uint64_t seen_ = 0;
  std::optional<MessageId> after_;
  bool over_ = false;
};

Answer list(Context& context, Call call) {
  auto filter = make_filter(call.query("id"), call.query("to"), call.query("from"));
  if (!filter) co_return answer_error(filter.error());
  Walk walk(context, *std::move(filter));
  boost::json::array messages;
  std::size_t recipients = 0;
  bool more = false;
  while (!more) {
    const auto page = co_await walk.next();
    if (!page) co_return answer_error(page.error());
    if (!*page) break;
    auto ids = ids_of(**page);
    const auto since = co_await attempting_since(context, std::move(ids));
    for (std::size_t i = 0; i < (*page)->size(); ++i) {
      const queue::Message& message = (**page)[i];
      recipients += message.recipients.size();
      more = messages.size() == kListLimit || (recipients > kListRecipients && !messages.empty());
      if (more) break;
      messages.push_back(describe(message, context.clock.now(), since[i]));
    }
  }
  co_return answer_json({{"messages", std::move(messages)}, {"more", more}});
}

Answer summary(Context& context) {
  const auto totals = context.queue.totals();
  boost::json::array sites;
  for (const auto& site : co_await context.sites()) {
    boost::json::object row{{"site", site.name}, {"waiting", site.waiting}, {"connections", site.connections}, {"most_connections", site.most_connections}, {"down", site.down}};
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
  if (!id) co_return answer_error(400, fmt::format("\"{}\" is not a message id; ids look like 1jmp588dr08et", call.path[0]));
  const auto message = co_await context.queue.load(*id);
  if (!message) co_return answer_error(message.error());
  if (!*message)
    co_return answer_error(404, fmt::format("{} is not in the queue; what became of it: godwit trace {}", id->text(), id->text()));
  std::vector<MessageId> ids = {*id};
  const auto since = co_await attempting_since(context, std::move(ids));
  co_return answer_json(describe(**message, context.clock.now(), since.front()));
}

std::optional<Action> parse_action(std::string_view text) {
  if (text == "retry") return Action::retry;
  if (text == "hold") return Action::hold;
  if (text == "release") return Action::release;
  if (text == "drop") return Action::drop;
  return std::nullopt;
}

struct Acted {
  std::uint64_t count = 0;
  std::uint64_t asked = 0;  // of them: an attempt is under way, it is done as that ends
  boost::json::array ids;   // the first kListLimit
};

Task<Result<void>> act_on_each(Context& context, Walk& walk, Action action, Acted& acted) {
  const std::string why = "by the administrator";
  for (;;) {
    GODWIT_CO_ASSIGN(const auto page, co_await walk.next());
    if (!page) co_return Result<void>{};
    std::vector<MessageId> reached;
    for (const auto& message : *page) {
      if (context.stopping && context.stopping())
        co_return fail(Error::temporary(Error::Cause::cancelled, "the server is stopping, try again when it is up"));
      GODWIT_CO_ASSIGN(const bool done, co_await context.act(message.id, action, why));
      if (!done) continue;
      ++acted.count;
      reached.push_back(message.id);
      if (acted.ids.size() < kListLimit) acted.ids.push_back(boost::json::value(message.id.text()));
    }
    if (action != Action::hold && action != Action::drop) continue;
    const auto since = co_await attempting_since(context, std::move(reached));
    acted.asked += static_cast<std::uint64_t>(std::ranges::count_if(since, [](const auto& each) { return each.has_value(); }));
  }
}

Answer act(Context& context, Call call) {
  const auto action = parse_action(call.text("action"));
  if (!action) co_return answer_error(400, "action must be retry, hold, release or drop");
  auto filter = make_filter(call.text("id"), call.text("to"), call.text("from"));
  if (!filter) co_return answer_error(filter.error());
  const bool careful = *action == Action::drop || *action == Action::hold;
  if (careful && !filter->any()) co_return answer_error(400, "say which messages: --id, --to or --from (--to '*' means all)");
  const bool one = filter->id.has_value();
  Walk walk(context, *std::move(filter));
  Acted acted;
  const auto done = co_await act_on_each(context, walk, *action, acted);
  if (!done)
    co_return answer_error(status_of(done.error()), fmt::format("{}; {} messages were done before", done.error().text, acted.count));
  if (one && acted.count == 0) co_return answer_error(404, fmt::format("{} is not in the queue", call.text("id")));
  co_return answer_json({{"ok", true}, {"count", acted.count}, {"asked", acted.asked}, {"messages", std::move(acted.ids)}});
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
