#include "frontend/imapd/search_response.h"

#include <algorithm>

#include "frontend/imapd/number_text.h"

namespace godwit::imapd {
namespace {

bool ends_alone(const imap::ReturnOptions& options) { return (options.min || options.max) && !options.all && !options.count; }

void append_item(std::string& out, std::string_view name, std::uint64_t value) {
  out += name;
  append_number(out, value);
}

}  // namespace

void append_set_in_order(std::string& out, std::span<const std::uint32_t> numbers) {
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (i > 0) out += ',';
    append_number(out, numbers[i]);
    if (last > i) {
      out += ':';
      append_number(out, numbers[last]);
    }
    i = last + 1;
  }
}

std::optional<std::uint64_t> modseq_of(const Matches& matches, const imap::ReturnOptions& options) {
  const auto& modseqs = matches.modseqs;
  if (modseqs.empty()) return std::nullopt;
  if (!ends_alone(options)) return *std::ranges::max_element(modseqs);
  return std::max(options.min ? modseqs.front() : 0, options.max ? modseqs.back() : 0);
}

void append_esearch(std::string& out, std::string_view tag, bool uid, const Matches& matches, const imap::ReturnOptions& options) {
  out += "* ESEARCH (TAG \"";
  out += tag;
  out += uid ? "\") UID" : "\")";
  const auto& numbers = matches.numbers;
  if (!numbers.empty()) {
    if (options.min) append_item(out, " MIN ", numbers.front());
    if (options.max) append_item(out, " MAX ", numbers.back());
    if (options.all) {
      out += " ALL ";
      append_set_in_order(out, numbers);
    }
  }
  if (options.count) append_item(out, " COUNT ", numbers.size());
  if (const auto modseq = modseq_of(matches, options)) append_item(out, " MODSEQ ", *modseq);
  out += "\r\n";
}

imap::NumberSet saved_of(std::span<const std::uint32_t> found, const imap::ReturnOptions& options) {
  std::vector<std::uint32_t> kept;
  if (!ends_alone(options)) {
    kept.assign(found.begin(), found.end());
  } else if (!found.empty()) {
    if (options.min) kept.push_back(found.front());
    if (options.max) kept.push_back(found.back());
  }
  std::ranges::sort(kept);
  imap::NumberSet out;
  for (const auto uid : kept) out.add(uid);
  return out;
}

bool says_something(const imap::ReturnOptions& options) { return options.min || options.max || options.all || options.count; }

}  // namespace godwit::imapd
