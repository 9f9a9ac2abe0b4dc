#include "app/sendmail/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "grammar/smtp/dsn_parameters.h"

namespace godwit::sendmail {
namespace {

using Problem = std::optional<std::string>;

// Attached or in the next word.
constexpr std::string_view kWithValue = "fFCrBoONRVbhpLXMA";
// Attached or not at all.
constexpr std::string_view kMayHaveValue = "qd";
// Understood and without effect here: verbose, background, user submission, gateway, me too, errors.
constexpr std::string_view kWithoutEffect = "vnUGmxcIsTe";

Problem read_mode(std::string_view value, Options& options) {
  using Mode = Options::Mode;
  if (value == "m")
    options.mode = Mode::deliver;
  else if (value == "p")
    options.mode = Mode::queue_listing;
  else if (value == "s")
    options.mode = Mode::smtp;
  else if (value == "i" || value == "I")
    options.mode = Mode::nothing;
  else if (value == "d" || value == "D" || value == "l")
    options.mode = Mode::daemon;
  else
    return fmt::format("-b{} is not understood; there are -bm, -bp, -bi and -bs", value);
  return std::nullopt;
}

Problem read_notify(std::string_view value, Options& options) {
  options.notify = ascii_lower(value);
  std::string_view rest = options.notify;
  if (rest == "never") return std::nullopt;
  do {
    const std::string_view word = rest.substr(0, rest.find(','));
    if (word != "success" && word != "failure" && word != "delay")
      return fmt::format("-N {} is not understood; write never, or a list of success, failure, delay", value);
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  } while (!rest.empty());
  return std::nullopt;
}

Problem read_ret(std::string_view value, Options& options) {
  options.ret = ascii_lower(value);
  if (options.ret == "full" || options.ret == "hdrs") return std::nullopt;
  return fmt::format("-R {} is not understood; there are full and hdrs", value);
}

// As sendmail wants it, in xtext; or as it is meant.
Problem read_envid(std::string_view value, Options& options) {
  options.envid = smtp::check_envid(value) ? std::string(value) : smtp::xtext_encode(value);
  if (const auto checked = smtp::check_envid(options.envid); !checked)
    return fmt::format("-V {} is not understood: {}", value.substr(0, 100), checked.error().text);
  return std::nullopt;
}

Problem take(char option, const std::string& value, Options& options) {
  switch (option) {
    case 'f':
    case 'r': options.sender = value == "<>" ? "" : value; return std::nullopt;
    case 'F': options.full_name = value; return std::nullopt;
    case 'C':
      if (value.empty()) return "-C needs a file";
      options.config = value;
      return std::nullopt;
    case 'b': return read_mode(value, options);
    case 'N': return read_notify(value, options);
    case 'R': return read_ret(value, options);
    case 'V': return read_envid(value, options);
    case 'B':  // what the message holds is looked at, not believed
      if (ascii_iequals(value, "7BIT") || ascii_iequals(value, "8BITMIME")) return std::nullopt;
      return fmt::format("-B {} is not understood; there are 7BIT and 8BITMIME", value);
    case 'o':
      if (value == "i") options.ignore_dots = true;
      return std::nullopt;
    case 'O':
      if (ascii_iequals(value, "IgnoreDots") || ascii_iequals(value, "IgnoreDots=true")) options.ignore_dots = true;
      return std::nullopt;
    case 'q':
      if (options.mode == Options::Mode::deliver) options.mode = Options::Mode::nothing;
      return std::nullopt;
    default: return std::nullopt;  // -h, -p, -L, -X, -M, -A, -d: without effect
  }
}

void take_flag(char option, Options& options) {
  if (option == 't') options.from_header = true;
  if (option == 'i') options.ignore_dots = true;
}

// One word of options, "-ti" or "-fann@example.org"; `next` is the index of the word behind it.
Problem read_word(const std::vector<std::string>& words, std::size_t& next, Options& options) {
  const std::string& word = words[next++];
  for (std::size_t at = 1; at < word.size(); ++at) {
    const char option = word[at];
    const std::string rest = word.substr(at + 1);
    if (kMayHaveValue.contains(option)) return take(option, rest, options);
    if (kWithValue.contains(option)) {
      if (!rest.empty()) return take(option, rest, options);
      if (next >= words.size()) return fmt::format("-{} needs a value", option);
      return take(option, words[next++], options);
    }
    if (option != 't' && option != 'i' && !kWithoutEffect.contains(option)) return fmt::format("-{} is not understood", option);
    take_flag(option, options);
  }
  return std::nullopt;
}

}  // namespace

std::expected<Options, std::string> parse_arguments(const std::vector<std::string>& words) {
  Options options;
  const std::string program = words.empty() ? "sendmail" : words[0].substr(words[0].rfind('/') + 1);
  if (program == "mailq") options.mode = Options::Mode::queue_listing;
  if (program == "newaliases") options.mode = Options::Mode::nothing;
  bool ended = false;
  for (std::size_t next = 1; next < words.size();) {
    const std::string& word = words[next];
    if (ended || word.size() < 2 || word[0] != '-') {
      if (!word.empty()) options.recipients.push_back(word);
      ++next;
    } else if (word == "--") {
      ended = true;
      ++next;
    } else if (word == "--help" || word == "--version") {
      options.help = true;
      ++next;
    } else if (auto problem = read_word(words, next, options)) {
      return std::unexpected(*std::move(problem));
    }
  }
  return options;
}

}  // namespace godwit::sendmail
