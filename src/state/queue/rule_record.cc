#include "state/queue/rule_record.h"

#include <algorithm>

#include "base/bytes.h"
#include "state/queue/record.pb.h"

namespace godwit::queue {
namespace {

constexpr char kFormat = 1;  // on disk: do not change (docs/formats/queue.md)

std::int64_t to_millis(WallTime time) { return time.time_since_epoch().count(); }

std::optional<WallTime> from_millis(std::int64_t millis) {
  if (millis == 0) return std::nullopt;
  return WallTime(std::chrono::milliseconds(millis));
}

}  // namespace

std::string rule_key(std::uint64_t number) {
  std::string key(kRulePrefix);
  append_be64(key, number);
  return key;
}

Result<std::uint64_t> parse_rule_key(std::string_view key) {
  if (!key.starts_with(kRulePrefix) || key.size() != kRulePrefix.size() + 8)
    return fail(Error::permanent(Error::Cause::corrupt, "a key that is no rule's"));
  return read_be64(key.substr(kRulePrefix.size()));
}

std::string encode_rule(const Rule& rule) {
  record::Rule row;
  const Filter& filter = rule.filter;
  row.set_kind(static_cast<std::uint32_t>(rule.kind));
  if (filter.id) {
    std::string id;
    append_be64(id, filter.id->value);
    row.set_id(id);
  }
  row.set_to(filter.to);
  row.set_from(filter.from);
  row.set_tenant(filter.tenant);
  row.set_domain(filter.domain);
  row.set_sender(filter.sender);
  row.set_reason(filter.reason);
  if (filter.before) row.set_before(to_millis(*filter.before));
  if (filter.held) row.set_held(*filter.held ? 1 : 2);
  if (filter.urgency) row.set_urgency(static_cast<std::uint32_t>(*filter.urgency) + 1);
  row.set_site(rule.site);
  if (rule.until) row.set_until(to_millis(*rule.until));
  row.set_why(rule.why);
  row.set_made(to_millis(rule.made));
  row.set_action(static_cast<std::uint32_t>(rule.action));
  row.set_up_to(rule.up_to.value);
  row.set_next_hop(rule.next_hop);
  std::string out(1, kFormat);
  row.AppendToString(&out);
  return out;
}

Result<Rule> decode_rule(std::uint64_t number, std::string_view value) {
  record::Rule row;
  if (value.empty() || value[0] != kFormat || !row.ParseFromArray(value.data() + 1, static_cast<int>(value.size() - 1)))
    return fail(Error::permanent(Error::Cause::corrupt, "a rule of the queue that does not parse"));
  if (row.kind() < 1 || row.kind() > 3 || row.action() > 5)
    return fail(Error::permanent(Error::Cause::unsupported, "a rule of the queue of an unknown kind"));
  Rule rule;
  rule.number = number;
  rule.kind = static_cast<Rule::Kind>(row.kind());
  if (row.id().size() == 8) rule.filter.id = MessageId{read_be64(row.id())};
  rule.filter.to = row.to();
  rule.filter.from = row.from();
  rule.filter.tenant = row.tenant();
  rule.filter.domain = row.domain();
  rule.filter.sender = row.sender();
  rule.filter.reason = row.reason();
  rule.filter.before = from_millis(row.before());
  if (row.held() != 0) rule.filter.held = row.held() == 1;
  if (row.urgency() != 0) rule.filter.urgency = static_cast<Urgency>(std::min<std::uint32_t>(row.urgency() - 1, 2));
  rule.site = row.site();
  rule.until = from_millis(row.until());
  rule.why = row.why();
  rule.made = from_millis(row.made()).value_or(WallTime());
  rule.action = static_cast<Rule::Action>(row.action());
  rule.up_to = {row.up_to()};
  rule.next_hop = row.next_hop();
  return rule;
}

}  // namespace godwit::queue
