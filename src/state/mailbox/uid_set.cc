#include "state/mailbox/uid_set.h"

#include <algorithm>

#include "base/result.h"

namespace godwit::mailbox {

namespace {

std::uint32_t size_of(const UidRange& range) { return range.last - range.first + 1; }

// The first range that does not end before `uid`.
std::size_t range_from(const std::vector<UidRange>& ranges, std::uint32_t uid) {
  const auto found = std::ranges::lower_bound(ranges, uid, {}, &UidRange::last);
  return static_cast<std::size_t>(found - ranges.begin());
}

}  // namespace

std::uint32_t UidSet::count() const { return ranges_.empty() ? 0 : before_.back() + size_of(ranges_.back()); }

bool UidSet::contains(std::uint32_t uid) const {
  const auto index = range_from(ranges_, uid);
  return index < ranges_.size() && ranges_[index].first <= uid;
}

std::uint32_t UidSet::at(std::uint32_t sequence) const {
  GODWIT_CHECK(sequence >= 1 && sequence <= count());
  const auto next = std::ranges::upper_bound(before_, sequence - 1);
  const auto index = static_cast<std::size_t>(next - before_.begin()) - 1;
  return ranges_[index].first + (sequence - 1 - before_[index]);
}

std::optional<std::uint32_t> UidSet::sequence_of(std::uint32_t uid) const {
  const auto index = range_from(ranges_, uid);
  if (index == ranges_.size() || ranges_[index].first > uid) return std::nullopt;
  return before_[index] + (uid - ranges_[index].first) + 1;
}

std::uint32_t UidSet::count_below(std::uint32_t uid) const {
  const auto index = range_from(ranges_, uid);
  if (index == ranges_.size()) return count();
  return before_[index] + (ranges_[index].first < uid ? uid - ranges_[index].first : 0);
}

void UidSet::add(UidRange range) {
  GODWIT_CHECK(range.first <= range.last && (ranges_.empty() || range.first > ranges_.back().last));
  if (!ranges_.empty() && ranges_.back().last + 1 == range.first) {
    ranges_.back().last = range.last;
    return;
  }
  before_.push_back(count());
  ranges_.push_back(range);
}

void UidSet::add(std::uint32_t uid) {
  if (ranges_.empty() || uid > ranges_.back().last) return add(UidRange{uid, uid});
  const auto index = range_from(ranges_, uid);
  if (ranges_[index].first <= uid) return;
  const bool joins_next = ranges_[index].first == uid + 1;
  const bool joins_previous = index > 0 && ranges_[index - 1].last + 1 == uid;
  const auto position = ranges_.begin() + static_cast<std::ptrdiff_t>(index);
  if (joins_next && joins_previous) {
    ranges_[index - 1].last = ranges_[index].last;
    ranges_.erase(position);
  } else if (joins_next) {
    ranges_[index].first = uid;
  } else if (joins_previous) {
    ranges_[index - 1].last = uid;
  } else {
    ranges_.insert(position, {uid, uid});
  }
  count_again();
}

void UidSet::remove(std::span<const std::uint32_t> uids) {
  if (uids.empty()) return;
  std::vector<UidRange> left;
  left.reserve(ranges_.size());
  std::size_t next = 0;
  for (auto range : ranges_) {
    bool rest = true;  // something of the range is not decided yet
    while (next < uids.size() && uids[next] < range.first) ++next;
    for (; rest && next < uids.size() && uids[next] <= range.last; ++next) {
      const auto uid = uids[next];
      if (uid < range.first) continue;  // twice
      if (uid > range.first) left.push_back({range.first, uid - 1});
      rest = uid != range.last;
      if (rest) range.first = uid + 1;
    }
    if (rest) left.push_back(range);
  }
  ranges_ = std::move(left);
  count_again();
}

std::vector<UidRange> UidSet::intersect(std::span<const UidRange> wanted) const {
  std::vector<UidRange> out;
  if (wanted.empty()) return out;
  auto index = range_from(ranges_, wanted.front().first);
  for (std::size_t next = 0; next < wanted.size() && index < ranges_.size();) {
    const auto first = std::max(wanted[next].first, ranges_[index].first);
    const auto last = std::min(wanted[next].last, ranges_[index].last);
    if (first <= last) out.push_back({first, last});
    if (wanted[next].last < ranges_[index].last) {
      ++next;
    } else {
      ++index;
    }
  }
  return out;
}

void UidSet::count_again() {
  before_.resize(ranges_.size());
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    before_[i] = sum;
    sum += size_of(ranges_[i]);
  }
}

}  // namespace godwit::mailbox
