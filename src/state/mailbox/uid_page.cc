#include "state/mailbox/uid_page.h"

#include <algorithm>

#include "base/bytes.h"

namespace godwit::mailbox {
namespace {

// on disk: do not change (docs/formats/mailbox.md)
constexpr char kRanges = 0;
constexpr char kBitmap = 1;
constexpr std::size_t kBitmapBytes = UidPage::kSize / 8;

Error damaged() { return Error::permanent(Error::Cause::corrupt, "a page of UIDs is damaged"); }

}  // namespace

void UidPage::insert(std::uint16_t offset) {
  const auto after = std::ranges::upper_bound(ranges_, offset, {}, &Range::first);
  const bool joins_after = after != ranges_.end() && offset + 1 == after->first;
  if (after != ranges_.begin()) {
    const auto before = std::prev(after);
    if (offset <= before->last) return;
    if (before->last + 1 == offset) {
      before->last = joins_after ? after->last : offset;
      if (joins_after) ranges_.erase(after);
      return;
    }
  }
  if (joins_after)
    after->first = offset;
  else
    ranges_.insert(after, Range{offset, offset});
}

void UidPage::erase(std::uint16_t offset) {
  const auto after = std::ranges::upper_bound(ranges_, offset, {}, &Range::first);
  if (after == ranges_.begin()) return;
  const auto range = std::prev(after);
  if (offset > range->last) return;
  if (range->first == range->last) {
    ranges_.erase(range);
  } else if (offset == range->first) {
    ++range->first;
  } else if (offset == range->last) {
    --range->last;
  } else {
    const Range tail{static_cast<std::uint16_t>(offset + 1), range->last};
    range->last = static_cast<std::uint16_t>(offset - 1);
    ranges_.insert(after, tail);
  }
}

bool UidPage::contains(std::uint16_t offset) const {
  const auto after = std::ranges::upper_bound(ranges_, offset, {}, &Range::first);
  return after != ranges_.begin() && offset <= std::prev(after)->last;
}

std::size_t UidPage::count() const {
  std::size_t sum = 0;
  for (const auto& range : ranges_) sum += static_cast<std::size_t>(range.last - range.first) + 1;
  return sum;
}

std::vector<UidRange> UidPage::uids(std::uint16_t page) const {
  const std::uint32_t base = page * kSize;
  std::vector<UidRange> out;
  out.reserve(ranges_.size());
  for (const auto& range : ranges_) out.push_back({base + range.first, base + range.last});
  return out;
}

std::string UidPage::encode() const {
  if (ranges_.size() * 4 < kBitmapBytes) {
    std::string out(1, kRanges);
    for (const auto& range : ranges_) {
      append_be16(out, range.first);
      append_be16(out, range.last);
    }
    return out;
  }
  std::string out(1 + kBitmapBytes, '\0');
  out[0] = kBitmap;
  for (const auto& range : ranges_) {
    for (std::uint32_t bit = range.first; bit <= range.last; ++bit) {
      char& byte = out[1 + bit / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | 0x80u >> bit % 8);
    }
  }
  return out;
}

Result<UidPage> UidPage::decode(std::string_view bytes) {
  if (bytes.empty()) return fail(damaged());
  const char kind = bytes.front();
  bytes.remove_prefix(1);
  if (kind == kRanges) return decode_ranges(bytes);
  if (kind == kBitmap) return decode_bitmap(bytes);
  return fail(damaged());
}

Result<UidPage> UidPage::decode_ranges(std::string_view bytes) {
  if (bytes.size() % 4 != 0 || bytes.size() > kBitmapBytes) return fail(damaged());
  UidPage page;
  for (; !bytes.empty(); bytes.remove_prefix(4)) {
    const Range range{read_be16(bytes), read_be16(bytes.substr(2))};
    const bool follows = page.ranges_.empty() || range.first > page.ranges_.back().last + 1;
    if (range.last < range.first || !follows) return fail(damaged());
    page.ranges_.push_back(range);
  }
  return page;
}

Result<UidPage> UidPage::decode_bitmap(std::string_view bytes) {
  if (bytes.size() != kBitmapBytes) return fail(damaged());
  UidPage page;
  for (std::uint32_t bit = 0; bit < kSize; ++bit) {
    const bool set = (static_cast<unsigned char>(bytes[bit / 8]) & 0x80u >> bit % 8) != 0;
    if (!set) continue;
    const auto offset = static_cast<std::uint16_t>(bit);
    if (!page.ranges_.empty() && page.ranges_.back().last + 1u == bit)
      page.ranges_.back().last = offset;
    else
      page.ranges_.push_back({offset, offset});
  }
  return page;
}

}  // namespace godwit::mailbox
