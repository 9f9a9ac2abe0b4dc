#include "grammar/imap/sequence_set.h"

#include <algorithm>
#include <charconv>

#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

void append_number(std::string& out, std::uint32_t number) {
  char digits[10];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end);
}

void append_range(std::string& out, const NumberRange& range) {
  const auto put = [&](std::uint32_t number) { number == SequenceSet::kStar ? void(out += '*') : append_number(out, number); };
  if (!out.empty()) out += ',';
  put(range.first);
  if (range.first == range.last) return;
  out += ':';
  put(range.last);
}

struct Reader {
  std::string_view text;
  std::size_t at = 0;

  bool eat(char c) {
    if (at == text.size() || text[at] != c) return false;
    ++at;
    return true;
  }

  Result<std::uint32_t> number() {  // RFC 9051 9: seq-number
    if (eat('*')) return SequenceSet::kStar;
    std::uint32_t value = 0;
    const char* const begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
    if (error == std::errc::invalid_argument || end == begin) return fail(Error::syntax("a set holds numbers, * and ranges", at));
    if (error != std::errc()) return fail(Error::syntax("a number of a set is at most 4294967295", at));
    if (*begin == '0') return fail(Error::syntax("a number of a set does not begin with 0", at));
    at += static_cast<std::size_t>(end - begin);
    return value;
  }

  Result<NumberRange> range() {
    GODWIT_ASSIGN(const std::uint32_t first, number());
    if (!eat(':')) return NumberRange{first, first};
    GODWIT_ASSIGN(const std::uint32_t last, number());
    return NumberRange{first, last};
  }
};

}  // namespace

NumberSet::Iterator& NumberSet::Iterator::operator++() {
  if (value_ != range_->last) {
    ++value_;
  } else {
    ++range_;
    value_ = range_ == end_ ? 0 : range_->first;
  }
  return *this;
}

NumberSet::Iterator NumberSet::Iterator::operator++(int) {
  const Iterator before = *this;
  ++*this;
  return before;
}

NumberSet NumberSet::of(std::vector<NumberRange> ranges) {
  for (auto& range : ranges)
    if (range.first > range.last) std::swap(range.first, range.last);
  std::ranges::sort(ranges, {}, &NumberRange::first);
  NumberSet set;
  for (const auto& range : ranges) {
    auto& kept = set.ranges_;
    if (!kept.empty() && range.first - 1 <= kept.back().last) {
      kept.back().last = std::max(kept.back().last, range.last);
    } else {
      kept.push_back(range);
    }
  }
  return set;
}

void NumberSet::add(std::uint32_t number) {
  if (ranges_.empty() || number > ranges_.back().last) {
    if (!ranges_.empty() && ranges_.back().last + 1 == number) {
      ranges_.back().last = number;
    } else {
      ranges_.push_back({number, number});
    }
    return;
  }
  const auto next = std::ranges::lower_bound(ranges_, number, {}, &NumberRange::last);
  if (next->first <= number) return;
  const bool joins_next = next->first == number + 1;
  const bool joins_previous = next != ranges_.begin() && std::prev(next)->last + 1 == number;
  if (joins_next && joins_previous) {
    std::prev(next)->last = next->last;
    ranges_.erase(next);
  } else if (joins_next) {
    next->first = number;
  } else if (joins_previous) {
    std::prev(next)->last = number;
  } else {
    ranges_.insert(next, {number, number});
  }
}

bool NumberSet::contains(std::uint32_t number) const {
  const auto range = std::ranges::lower_bound(ranges_, number, {}, &NumberRange::last);
  return range != ranges_.end() && range->first <= number;
}

std::uint64_t NumberSet::count() const {
  std::uint64_t sum = 0;
  for (const auto& range : ranges_) sum += std::uint64_t{range.last} - range.first + 1;
  return sum;
}

NumberSet NumberSet::intersect(const NumberSet& other) const {
  NumberSet both;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const NumberRange common{std::max(a->first, b->first), std::min(a->last, b->last)};
    if (common.first <= common.last) both.ranges_.push_back(common);
    if (a->last < b->last) {
      ++a;
    } else {
      ++b;
    }
  }
  return both;
}

std::string NumberSet::text() const {
  std::string out;
  for (const auto& range : ranges_) append_range(out, range);
  return out;
}

bool SequenceSet::has_star() const {
  return std::ranges::any_of(ranges, [](const NumberRange& range) { return range.first == kStar || range.last == kStar; });
}

std::uint32_t SequenceSet::max() const {
  std::uint32_t greatest = 0;
  for (const auto& range : ranges) greatest = std::max({greatest, range.first, range.last});
  return greatest;
}

NumberSet SequenceSet::resolve(std::uint32_t largest) const {
  std::vector<NumberRange> resolved;
  resolved.reserve(ranges.size());
  for (const auto& range : ranges) {
    const NumberRange meant{range.first == kStar ? largest : range.first, range.last == kStar ? largest : range.last};
    if (meant.first != 0 && meant.last != 0) resolved.push_back(meant);
  }
  return NumberSet::of(std::move(resolved));
}

std::string SequenceSet::text() const {
  if (saved) return "$";
  std::string out;
  for (const auto& range : ranges) append_range(out, range);
  return out;
}

Result<SequenceSet> parse_sequence_set(std::string_view text) {
  SequenceSet set;
  if (text == "$") {
    set.saved = true;
    return set;
  }
  Reader reader{text};
  do {
    if (set.ranges.size() == kMaxRanges) {
      return fail({Error::Kind::permanent, Error::Cause::limit, "the set has too many ranges", reader.at});
    }
    GODWIT_ASSIGN(const NumberRange range, reader.range());
    set.ranges.push_back(range);
  } while (reader.eat(','));
  if (reader.at != text.size()) return fail(Error::syntax("a set holds numbers, * and ranges", reader.at));
  return set;
}

Result<NumberSet> parse_number_set(std::string_view text) {
  if (const std::size_t at = text.find_first_of("*$"); at != std::string_view::npos) {
    return fail(Error::syntax("only numbers are expected in this set", at));
  }
  GODWIT_ASSIGN(SequenceSet set, parse_sequence_set(text));
  return NumberSet::of(std::move(set.ranges));
}

}  // namespace godwit::imap
