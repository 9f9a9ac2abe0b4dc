#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "frontend/adminapi/queue_call.h"
#include "frontend/adminapi/waiting.h"

namespace godwit::adminapi {
namespace {

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

}  // namespace

boost::json::object describe_message(const queue::Message& message, WallTime now, std::optional<WallTime> since) {
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

namespace {

std::vector<MessageId> ids_of(const std::vector<queue::Message>& messages) {
  std::vector<MessageId> ids;
  ids.reserve(messages.size());
  for (const auto& message : messages) ids.push_back(message.id);
  return ids;
}

Answer list(Context& context, Call call) {
  auto filter = filter_of_query(call, context.clock.now());
  if (!filter) co_return answer_error(filter.error());
  const bool complete = co_await catalogue_is_complete(context);
  queue::Filter which = *filter;
  const auto meant = co_await find_cards(context, std::move(which));
  boost::json::array messages;
  std::size_t recipients = 0;
  bool more = false;
  std::vector<queue::Message> page;
  for (std::size_t i = 0; i < meant.size() && !more; ++i) {
    auto message = co_await context.queue.load(meant[i].id);
    if (!message && message.error().kind == Error::Kind::temporary) co_return answer_error(message.error());
    if (message && *message && (meant[i].sure || filter->matches(**message))) page.push_back(std::move(**message));
    if (page.size() < kPageRows && i + 1 < meant.size()) continue;
    auto ids = ids_of(page);
    const auto since = co_await attempting_since(context, std::move(ids));
    for (std::size_t each = 0; each < page.size(); ++each) {
      recipients += page[each].recipients.size();
      more = messages.size() == kListLimit || (recipients > kListRecipients && !messages.empty());
      if (more) break;
      messages.push_back(describe_message(page[each], context.clock.now(), since[each]));
    }
    page.clear();
  }
  co_return answer_json({{"messages", std::move(messages)}, {"more", more}, {"complete", complete}});
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
  co_return answer_json(describe_message(**message, context.clock.now(), since.front()));
}

}  // namespace

Answer queue_resource(Context& context, Call call) {
  if (call.method == "POST" && call.path.size() == 1 && call.path[0] == "actions") co_return co_await queue_act(context, std::move(call));
  if (call.method == "POST" && call.path.size() == 1 && call.path[0] == "readdress")
    co_return co_await queue_readdress(context, std::move(call));
  if ((call.method == "POST" || call.method == "GET") && call.path.size() == 1 && call.path[0] == "rules")
    co_return co_await queue_rules(context, std::move(call));
  if (call.method != "GET" || call.path.size() > 1) co_return answer_not_found(call);
  if (call.path.empty()) co_return co_await list(context, std::move(call));
  if (call.path[0] == "summary") co_return co_await queue_summary(context, std::move(call));
  co_return co_await show(context, std::move(call));
}

}  // namespace godwit::adminapi
