// Sets and dates: what is read is written the same, and a set stands for what its ranges say, however it is put.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "grammar/imap/date.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/sequence_set.h"

using namespace godwit;

namespace {

bool within(const imap::NumberRange& range, std::uint32_t largest, std::uint32_t number) {
  const std::uint32_t a = range.first == imap::SequenceSet::kStar ? largest : range.first;
  const std::uint32_t b = range.last == imap::SequenceSet::kStar ? largest : range.last;
  return a != 0 && b != 0 && std::min(a, b) <= number && number <= std::max(a, b);
}

void check_resolved(const imap::SequenceSet& set, std::uint32_t largest) {
  const imap::NumberSet numbers = set.resolve(largest);
  for (std::size_t i = 1; i < numbers.ranges().size(); ++i) {
    GODWIT_CHECK(numbers.ranges()[i - 1].last + 1 < numbers.ranges()[i].first);
  }
  for (std::uint32_t number = 1; number < 40; ++number) {
    const bool expected = std::ranges::any_of(set.ranges, [&](const auto& range) { return within(range, largest, number); });
    GODWIT_CHECK(numbers.contains(number) == expected);
  }
  imap::NumberSet added;
  std::uint64_t steps = 0;
  for (const std::uint32_t number : numbers) {
    if (++steps > 1'000) break;
    added.add(number);
  }
  GODWIT_CHECK(steps > 1'000 || (added == numbers && steps == numbers.count()));
  if (numbers.empty()) return;
  const auto again = imap::parse_number_set(numbers.text());
  GODWIT_CHECK(again && *again == numbers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto set = imap::parse_sequence_set(text)) {
    GODWIT_CHECK(set->ranges.size() <= imap::kMaxRanges && set->saved == set->ranges.empty());
    const auto again = imap::parse_sequence_set(set->text());
    GODWIT_CHECK(again && *again == *set);
    for (const std::uint32_t largest : {0u, 1u, 7u, 4'294'967'295u}) check_resolved(*set, largest);
  } else {
    GODWIT_CHECK(set.error().position <= text.size());
  }
  if (const auto numbers = imap::parse_number_set(text)) GODWIT_CHECK(!numbers->empty() && imap::parse_sequence_set(text));
  if (const auto date = imap::parse_date(text)) {
    const auto again = imap::parse_date(imap::format_date(*date));
    GODWIT_CHECK(date->ok() && again && *again == *date);
  }
  if (const auto date = imap::parse_date_time(text)) {
    const auto again = imap::parse_date_time(imap::format_date_time(*date));
    GODWIT_CHECK(again && *again == *date);
  }
  return 0;
}
