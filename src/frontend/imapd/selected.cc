#include "frontend/imapd/selected.h"

#include <algorithm>

namespace godwit::imapd {
namespace {

std::vector<mailbox::UidRange> ranges_of(const imap::NumberSet& set) {
  std::vector<mailbox::UidRange> ranges;
  ranges.reserve(set.ranges().size());
  for (const auto& range : set.ranges()) ranges.push_back({range.first, range.last});
  return ranges;
}

// Runs of neighbouring numbers are runs of the view's UIDs, which may have gaps: intersecting keeps to those that are there.
std::vector<mailbox::UidRange> uids_of_numbers(const mailbox::UidSet& view, const imap::NumberSet& numbers) {
  std::vector<mailbox::UidRange> spans;
  for (const auto& range : numbers.ranges()) spans.push_back({view.at(range.first), view.at(range.last)});
  return view.intersect(spans);
}

}  // namespace

std::optional<std::vector<mailbox::UidRange>> resolve(const Selected& selected, const imap::SequenceSet& set, bool uid) {
  if (set.saved) return selected.view.intersect(ranges_of(selected.saved));
  if (uid) return selected.view.intersect(ranges_of(set.resolve(selected.view.last())));
  const std::uint32_t count = selected.view.count();
  if (set.max() > count || (set.has_star() && count == 0)) return std::nullopt;
  return uids_of_numbers(selected.view, set.resolve(count));
}

bool holds_any(const std::vector<mailbox::UidRange>& ranges, const std::vector<mailbox::Uid>& uids) {
  return std::ranges::any_of(ranges, [&](const mailbox::UidRange& range) {
    const auto at = std::ranges::lower_bound(uids, range.first);
    return at != uids.end() && *at <= range.last;
  });
}

imap::NumberSet to_number_set(const std::vector<mailbox::Uid>& uids) {
  imap::NumberSet set;
  for (const auto uid : uids) set.add(uid);
  return set;
}

}  // namespace godwit::imapd
