#pragma once
// Sets of message numbers and UIDs: RFC 9051 9 `sequence-set`, `uid-set`. Values, any thread.
//
// `SequenceSet` is what a client wrote, with `*` and `$`; `NumberSet` is what it stands for: ascending, disjoint ranges that are never
// expanded (1:4294967295 takes eight bytes and is walked one number at a time).

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::imap {

struct NumberRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool operator==(const NumberRange&) const = default;
};

class NumberSet {
 public:
  class Iterator {
   public:
    using value_type = std::uint32_t;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using pointer = const std::uint32_t*;
    using reference = std::uint32_t;
    Iterator() = default;
    std::uint32_t operator*() const { return value_; }
    Iterator& operator++();
    Iterator operator++(int);
    bool operator==(const Iterator&) const = default;

   private:
    friend class NumberSet;
    Iterator(const NumberRange* range, const NumberRange* end) : range_(range), end_(end), value_(range == end ? 0 : range->first) {}
    const NumberRange* range_ = nullptr;
    const NumberRange* end_ = nullptr;
    std::uint32_t value_ = 0;
  };

  NumberSet() = default;
  // Any order, overlaps allowed, `first` and `last` either way round; zeros are not.
  static NumberSet of(std::vector<NumberRange> ranges);

  // Constant time when `number` is greater than all that are in; else it is put where it belongs.
  void add(std::uint32_t number);
  bool contains(std::uint32_t number) const;  // logarithmic
  std::uint64_t count() const;
  bool empty() const { return ranges_.empty(); }
  std::uint32_t min() const { return ranges_.empty() ? 0 : ranges_.front().first; }  // 0 when empty
  std::uint32_t max() const { return ranges_.empty() ? 0 : ranges_.back().last; }
  NumberSet intersect(const NumberSet& other) const;

  const std::vector<NumberRange>& ranges() const { return ranges_; }
  Iterator begin() const { return {ranges_.data(), ranges_.data() + ranges_.size()}; }
  Iterator end() const { return {ranges_.data() + ranges_.size(), ranges_.data() + ranges_.size()}; }

  std::string text() const;  // "1:3,5"; "" when empty, which no grammar allows
  bool operator==(const NumberSet&) const = default;

 private:
  std::vector<NumberRange> ranges_;  // ascending, disjoint, not adjacent
};

class SequenceSet {
 public:
  static constexpr std::uint32_t kStar = 0;  // in a range: the largest number in use

  bool saved = false;               // "$", RFC 5182: the result of the last SEARCH RETURN (SAVE); no ranges then
  std::vector<NumberRange> ranges;  // as written

  bool has_star() const;
  std::uint32_t max() const;  // the greatest number named, `*` apart; 0 if there is none
  // `largest` stands for `*`: the number of messages, or the last UID. 0 (an empty mailbox) takes the ranges with `*` away.
  // RFC 9051 9: `3291:*` holds the last UID even if that is less.
  NumberSet resolve(std::uint32_t largest) const;
  std::string text() const;
  bool operator==(const SequenceSet&) const = default;
};

// At most kMaxRanges ranges. Errors: `syntax` with the position, `limit`.
Result<SequenceSet> parse_sequence_set(std::string_view text);
// The same without `*` and `$`: RFC 7162 7 known-uids. Comes out normalised.
Result<NumberSet> parse_number_set(std::string_view text);

}  // namespace godwit::imap
