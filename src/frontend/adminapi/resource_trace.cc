#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <charconv>

#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {
namespace {

constexpr std::size_t kMostMessages = 100;
constexpr std::size_t kMostLookedAt = 100'000;  // when a time says which of them are meant

// By when they were accepted.
struct Span {
  WallTime since = WallTime::min();
  WallTime until = WallTime::max();

  bool whole() const { return since == WallTime::min() && until == WallTime::max(); }
  bool contains(WallTime time) const { return time >= since && time < until; }
};

// Milliseconds since 1970.
Result<void> read_time(const Call& call, std::string_view key, WallTime& into) {
  const std::string text = call.query(key);
  if (text.empty()) return {};
  std::int64_t milliseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Error::syntax(fmt::format("{} is a time in milliseconds since 1970", key), 0));
  into = WallTime(std::chrono::milliseconds(milliseconds));
  return {};
}

Result<Span> span_of(const Call& call) {
  Span span;
  GODWIT_TRY(read_time(call, "since", span.since));
  GODWIT_TRY(read_time(call, "until", span.until));
  return span;
}

// An id, <MESSAGE-ID>, or an address (without <> an address is meant unless none matches).
Task<Result<std::vector<MessageId>>> find(Context& context, std::string text, Span span) {
  if (const auto id = parse_message_id(text)) co_return std::vector{*id};
  const std::size_t most = span.whole() ? kMostMessages : kMostLookedAt;
  GODWIT_CO_ASSIGN(auto found, co_await context.trace.find(text, most));
  if (found.empty() && !text.starts_with('<')) {
    std::string as_message_id = "<" + text + ">";
    GODWIT_CO_ASSIGN(found, co_await context.trace.find(std::move(as_message_id), most));
  }
  std::erase_if(found, [&](MessageId id) { return !span.contains(id.time()); });
  if (found.size() > kMostMessages) found.resize(kMostMessages);
  co_return found;
}

}  // namespace

Answer trace_resource(Context& context, Call call) {
  if (call.method != "GET" || call.path.size() != 1) co_return answer_not_found(call);
  const auto span = span_of(call);
  if (!span) co_return answer_error(span.error());
  const auto ids = co_await find(context, call.path[0], *span);
  if (!ids) co_return answer_error(ids.error());
  boost::json::array stories;
  for (const MessageId id : *ids) {
    const auto events = co_await context.trace.events(id);
    if (!events) co_return answer_error(events.error());
    if (events->empty()) continue;
    boost::json::array list;
    WallTime last = events->front().time;
    for (const auto& event : *events) {
      list.push_back({{"time", format_rfc3339(event.time)},
                      {"after_ms", (event.time - last).count()},
                      {"kind", event.kind},
                      {"detail", event.detail}});
      last = event.time;
    }
    stories.push_back({{"id", id.text()}, {"events", std::move(list)}});
  }
  if (stories.empty())
    co_return answer_error(404, fmt::format("nothing is known of {}{} (stories are kept for a time, see [trace] keep)", call.path[0],
                                            span->whole() ? "" : " in that time"));
  co_return answer_json({{"messages", std::move(stories)}});
}

}  // namespace godwit::adminapi
