// GET /v1/events?after=POSITION&types=bounced,expired&limit=N: events of the stream; without `after` the last of them.
// GET /v1/events/status: the stream and its sinks.

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <charconv>

#include "frontend/adminapi/resource.h"
#include "service/events/json.h"

namespace godwit::adminapi {
namespace {

constexpr std::size_t kMost = 1'000;
constexpr std::size_t kUsual = 20;
constexpr std::uint32_t kTail = 1 << 20;  // bytes that the last events are looked for in

std::optional<events::TypeSet> types_of(std::string_view list) {
  if (list.empty()) return events::kAllTypes;
  events::TypeSet types = 0;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const auto type = events::parse_type(list.substr(0, comma));
    if (!type) return std::nullopt;
    types |= events::bit(*type);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return types;
}

boost::json::value json_of(const events::Event& event) {
  std::string text;
  events::append_json(text, event);
  return boost::json::parse(text);
}

// The last `limit` of them, from the newest bytes of the stream.
Result<events::Stream::Batch> last_of(events::Stream& stream, std::size_t limit, events::TypeSet types) {
  const events::Position end = stream.end();
  events::Position at =
      end.offset > kTail ? events::Position{end.segment, end.offset - kTail} : events::Position{end.segment > 1 ? end.segment - 1 : 1, 0};
  if (at < stream.begin()) at = stream.begin();
  events::Stream::Batch last;
  last.next = at;
  while (true) {
    GODWIT_ASSIGN(auto batch, stream.read(last.next, kMost, kTail, types));
    const bool over = batch.next == last.next || batch.next >= end;
    std::ranges::move(batch.events, std::back_inserter(last.events));
    if (last.events.size() > limit) last.events.erase(last.events.begin(), last.events.end() - static_cast<std::ptrdiff_t>(limit));
    last.next = batch.next;
    if (over) return last;
  }
}

http::Response answer_status(Context& context) {
  boost::json::array sinks;
  for (const events::SinkStatus& sink : context.event_sinks()) {
    boost::json::object entry{{"name", sink.name},
                              {"kind", sink.kind},
                              {"target", sink.target},
                              {"position", sink.position.text()},
                              {"sent", sink.sent},
                              {"failures", sink.failures},
                              {"gaps", sink.gaps},
                              {"stopped", sink.stopped},
                              {"last_error", sink.last_error}};
    const auto time = [&](const char* name, WallTime when) {
      if (when != WallTime{}) entry[name] = format_rfc3339(when);
    };
    time("waiting_since", sink.waiting_since);
    time("last_error_at", sink.last_error_at);
    time("last_success", sink.last_success);
    time("next_try", sink.next_try);
    entry["behind"] = sink.position != context.events->end();
    sinks.push_back(std::move(entry));
  }
  return answer_json({{"begin", context.events->begin().text()},
                      {"end", context.events->end().text()},
                      {"bytes", context.events->bytes()},
                      {"dropped", context.events->dropped()},
                      {"sinks", std::move(sinks)}});
}

}  // namespace

Answer events_resource(Context& context, Call call) {
  if (call.method != "GET" || call.path.size() > 1) co_return answer_not_found(call);
  if (context.events == nullptr)
    co_return answer_error(409, "events are switched off; write [events] enabled = true, a file or a [[webhook]], and restart");
  if (call.path.size() == 1) {
    if (call.path[0] != "status") co_return answer_not_found(call);
    co_return answer_status(context);
  }
  const auto types = types_of(call.query("types"));
  if (!types) co_return answer_error(400, "types is a list such as bounced,expired");
  std::size_t limit = kUsual;
  const std::string wanted = call.query("limit");
  if (!wanted.empty()) std::from_chars(wanted.data(), wanted.data() + wanted.size(), limit);
  limit = std::clamp<std::size_t>(limit, 1, kMost);
  const std::string after = call.query("after");
  Result<events::Stream::Batch> batch;
  if (after.empty()) {
    batch = co_await context.blocking->run([&] { return last_of(*context.events, limit, *types); });
  } else {
    const auto position = events::parse_position(after);
    if (!position) co_return answer_error(position.error());
    batch = co_await context.blocking->run([&] { return context.events->read(*position, limit, 4 << 20, *types); });
  }
  if (!batch) co_return answer_error(batch.error());
  boost::json::array list;
  for (const events::Event& event : batch->events) list.push_back(json_of(event));
  co_return answer_json(
      {{"events", std::move(list)}, {"next", batch->next.text()}, {"gap", batch->gap}, {"more", batch->next < context.events->end()}});
}

}  // namespace godwit::adminapi
