#include "frontend/adminapi/queue_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"

namespace godwit::adminapi {
namespace {

constexpr std::size_t kSlice = 10'000;  // places of a catalogue at a time: 1 ms

Result<std::optional<bool>> read_held(const std::string& word) {
  if (word.empty()) return std::nullopt;
  if (word == "yes") return true;
  if (word == "no") return false;
  return fail(Error::syntax(fmt::format("held is yes or no, not \"{}\"", word), 0));
}

Result<std::optional<queue::Urgency>> read_urgency(const std::string& word) {
  if (word.empty()) return std::nullopt;
  if (word == "urgent") return queue::Urgency::urgent;
  if (word == "normal") return queue::Urgency::normal;
  if (word == "non-urgent") return queue::Urgency::non_urgent;
  return fail(Error::syntax(fmt::format("priority is urgent, normal or non-urgent, not \"{}\"", word), 0));
}

}  // namespace

Result<queue::Filter> read_filter(const std::function<std::string(std::string_view)>& word, WallTime now) {
  queue::Filter filter;
  if (const std::string id = word("id"); !id.empty()) {
    const auto parsed = parse_message_id(id);
    if (!parsed) return fail(Error::syntax(fmt::format("\"{}\" is not a message id; ids look like 1jmp588dr08et", id), 0));
    filter.id = *parsed;
  }
  filter.to = word("to");
  filter.from = word("from");
  filter.tenant = word("tenant");
  filter.domain = word("domain");
  filter.sender = word("sender");
  filter.reason = word("class");
  if (const std::string older = word("older"); !older.empty()) {
    const auto age = parse_duration(older);
    if (!age) return fail(Error::syntax(fmt::format("\"{}\" is not an age; ages look like 90s, 30m, 6h, 2d", older), 0));
    filter.before = now - *age;
  }
  GODWIT_ASSIGN(filter.held, read_held(word("held")));
  GODWIT_ASSIGN(filter.urgency, read_urgency(word("priority")));
  return filter;
}

Result<queue::Filter> filter_of_query(const Call& call, WallTime now) {
  return read_filter([&](std::string_view key) { return call.query(key); }, now);
}

Result<queue::Filter> filter_of_body(const Call& call, WallTime now) {
  return read_filter([&](std::string_view key) { return call.text(key); }, now);
}

boost::json::object describe_filter(const queue::Filter& filter) {
  boost::json::object out;
  const auto say = [&out](std::string_view key, const std::string& text) {
    if (!text.empty()) out[key] = text;
  };
  if (filter.id) out["id"] = filter.id->text();
  say("to", filter.to);
  say("from", filter.from);
  say("tenant", filter.tenant);
  say("domain", filter.domain);
  say("sender", filter.sender);
  say("class", filter.reason);
  if (filter.before) out["before"] = format_rfc3339(*filter.before);
  if (filter.held) out["held"] = *filter.held;
  return out;
}

Task<bool> catalogue_is_complete(Context& context) {
  if (!context.executor_of) {
    std::function<bool()> never = [] { return false; };
    co_await context.queue.fill(0, std::move(never));
    co_return true;
  }
  bool complete = true;
  for (std::size_t loop = 0; loop < context.queue.loops() && complete; ++loop) {
    auto start = [&, loop](Resume<bool> resume) {
      post(context.executor_of(loop),
           [&, loop, resume = std::move(resume)]() mutable { resume(context.queue.catalogue(loop).complete()); });
    };
    complete = co_await suspend<bool>(std::move(start));
  }
  co_return complete;
}

Task<> visit_cards(Context& context, Visit visit, End end) {
  const auto here = co_await this_executor();
  for (std::size_t loop = 0; loop < context.queue.loops(); ++loop) {
    std::optional<std::size_t> from = 0;
    while (from) {
      const Executor home = context.executor_of ? context.executor_of(loop) : here;
      auto start = [&, loop](Resume<bool> resume) {
        post(home, [&, loop, resume = std::move(resume)]() mutable {
          const queue::Catalogue& catalogue = context.queue.catalogue(loop);
          from = catalogue.each(*from, kSlice, [&](const queue::Card& card) { visit(catalogue, card); });
          if (!from && end) end(catalogue);
          resume(true);
        });
      };
      ignore(co_await suspend<bool>(std::move(start)), "only tells that it has run");
    }
  }
}

Task<std::vector<Meant>> find_cards(Context& context, queue::Filter filter) {
  std::vector<Meant> meant;
  if (filter.id) {  // its row says more
    meant.push_back({*filter.id, false});
    co_return meant;
  }
  Visit look = [&](const queue::Catalogue& catalogue, const queue::Card& card) {
    const auto answer = filter.matches(catalogue.names(), card);
    if (answer != queue::Filter::Answer::no) meant.push_back({card.id, answer == queue::Filter::Answer::yes});
  };
  co_await visit_cards(context, std::move(look));
  std::ranges::sort(meant, {}, &Meant::id);
  co_return meant;
}

}  // namespace godwit::adminapi
