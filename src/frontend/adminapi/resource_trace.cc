#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {
namespace {

constexpr std::size_t kMostMessages = 100;

// An id, <MESSAGE-ID>, or an address (without <> an address is meant unless none matches).
Task<Result<std::vector<MessageId>>> find(Context& context, std::string text) {
  if (const auto id = parse_message_id(text)) co_return std::vector{*id};
  GODWIT_CO_ASSIGN(auto found, co_await context.trace.find(text, kMostMessages));
  if (found.empty() && !text.starts_with('<')) {
    std::string as_message_id = "<" + text + ">";
    co_return co_await context.trace.find(std::move(as_message_id), kMostMessages);
  }
  co_return found;
}

}  // namespace

Answer trace_resource(Context& context, Call call) {
  if (call.method != "GET" || call.path.size() != 1) co_return answer_not_found(call);
  const auto ids = co_await find(context, call.path[0]);
  if (!ids) co_return answer_error(ids.error());
  boost::json::array stories;
  for (const MessageId id : *ids) {
    const auto events = co_await context.trace.events(id);
    if (!events) co_return answer_error(events.error());
    if (events->empty()) continue;
    boost::json::array list;
    for (const auto& event : *events)
      list.push_back({{"time", format_rfc3339(event.time)}, {"kind", event.kind}, {"detail", event.detail}});
    stories.push_back({{"id", id.text()}, {"events", std::move(list)}});
  }
  if (stories.empty())
    co_return answer_error(404, fmt::format("nothing is known of {} (stories are kept for a time, see [trace] keep)", call.path[0]));
  co_return answer_json({{"messages", std::move(stories)}});
}

}  // namespace godwit::adminapi
