#include "grammar/smtp/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "grammar/smtp/dsn_parameters.h"

namespace godwit::smtp {
namespace {

constexpr std::size_t kMaxKeywordShown = 40;

struct Parameter {
  std::string_view keyword;
  std::string_view value;
  bool has_value = false;
  std::size_t position = 0;  // of the keyword
  std::size_t value_position = 0;
  std::size_t end = 0;
};

std::unexpected<CommandError> refuse(std::string rule, std::size_t position) {
  return std::unexpected(CommandError{501, {5, 5, 4}, std::move(rule), position});
}

std::unexpected<CommandError> unknown(const Parameter& parameter) {
  // RFC 5321 4.1.1.11: 555
  return std::unexpected(CommandError{555,
                                      {5, 5, 4},
                                      fmt::format("The parameter {} is not known here", parameter.keyword.substr(0, kMaxKeywordShown)),
                                      parameter.position});
}

bool is_let_dig(char c) { return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); }

// RFC 5321 4.1.2 esmtp-keyword
bool is_keyword(std::string_view text) {
  return !text.empty() && is_let_dig(text[0]) && std::ranges::all_of(text, [](char c) { return is_let_dig(c) || c == '-'; });
}

// RFC 5321 4.1.2 esmtp-value, RFC 6531 3.3: UTF-8 too
bool is_value(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) { return c == '=' || c == ' '; }) && is_clean_utf8(text);
}

template <class Out>
struct Handler {
  std::string_view keyword;
  Parsed<void> (*take)(const Parameter& parameter, Out& out);
};

Parsed<Parameter> next_parameter(std::string_view arguments, std::size_t begin) {
  if (arguments[begin] != ' ') return refuse("a space separates the path from its parameters", begin);
  Parameter out;
  out.position = ++begin;
  const auto word = arguments.substr(begin, std::min(arguments.find(' ', begin), arguments.size()) - begin);
  out.keyword = word.substr(0, word.find('='));
  out.has_value = out.keyword.size() < word.size();
  out.end = begin + word.size();
  out.value_position = std::min(begin + out.keyword.size() + 1, out.end);
  out.value = arguments.substr(out.value_position, out.end - out.value_position);
  if (!is_keyword(out.keyword)) return refuse("expected a parameter: KEYWORD or KEYWORD=value", begin);
  if (out.has_value && !is_value(out.value)) return refuse("this is not allowed as the value of a parameter", out.value_position);
  return out;
}

template <class Out, std::size_t N>
Parsed<void> take_parameters(std::string_view arguments, std::size_t begin, const std::array<Handler<Out>, N>& handlers, Out& out) {
  std::array<bool, N> seen{};
  while (begin < arguments.size()) {
    const auto parameter = next_parameter(arguments, begin);
    if (!parameter) return std::unexpected(parameter.error());
    const auto handler = std::ranges::find_if(handlers, [&](const auto& h) { return ascii_iequals(h.keyword, parameter->keyword); });
    if (handler == handlers.end()) return unknown(*parameter);
    // RFC 5321 4.1.1.11, RFC 3461 4.5: each keyword once
    bool& twice = seen[static_cast<std::size_t>(handler - handlers.begin())];
    if (twice) return refuse(fmt::format("{} is there twice", handler->keyword), parameter->position);
    twice = true;
    if (auto taken = handler->take(*parameter, out); !taken) return taken;
    begin = parameter->end;
  }
  return {};
}

Parsed<void> take_size(const Parameter& parameter, Mail& out) {
  // RFC 1870 3: size-value = 1*20DIGIT
  const auto digits = parameter.value;
  const bool number = !digits.empty() && digits.size() <= 20 && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (!number) return refuse("SIZE is a number of bytes of at most 20 digits", parameter.value_position);
  std::uint64_t size = std::numeric_limits<std::uint64_t>::max();  // what 64 bits cannot hold is too big anyway
  std::from_chars(digits.data(), digits.data() + digits.size(), size);
  out.size = size;
  return {};
}

Parsed<void> take_body(const Parameter& parameter, Mail& out) {
  if (ascii_iequals(parameter.value, "7BIT"))
    out.body = Body::seven_bit;
  else if (ascii_iequals(parameter.value, "8BITMIME"))
    out.body = Body::eight_bit_mime;
  else
    return refuse("BODY is 7BIT or 8BITMIME", parameter.value_position);
  return {};
}

// An error of a value, with its place in the command.
std::unexpected<CommandError> refuse(Error error, const Parameter& parameter) {
  return refuse(std::move(error.text), parameter.value_position + error.position);
}

Parsed<void> take_ret(const Parameter& parameter, Mail& out) {
  auto ret = parse_ret(parameter.value);
  if (!ret) return refuse(std::move(ret).error(), parameter);
  out.ret = *ret;
  return {};
}

Parsed<void> take_envid(const Parameter& parameter, Mail& out) {
  if (auto checked = check_envid(parameter.value); !checked) return refuse(std::move(checked).error(), parameter);
  out.envid = std::string(parameter.value);
  return {};
}

Parsed<void> take_smtputf8(const Parameter& parameter, Mail& out) {
  if (parameter.has_value) return refuse("SMTPUTF8 has no value", parameter.value_position);
  out.smtputf8 = true;
  return {};
}

// RFC 4954 5: "<>" or a mailbox in xtext; a server that trusts nobody may ignore it
Parsed<void> take_auth(const Parameter& parameter, Mail& out) {
  if (parameter.value.empty()) return refuse("a value is missing", parameter.value_position);
  if (auto decoded = xtext_decode(parameter.value); !decoded) return refuse(std::move(decoded).error(), parameter);
  out.auth_given = true;
  return {};
}

Parsed<void> take_notify(const Parameter& parameter, Rcpt& out) {
  auto notify = parse_notify(parameter.value);
  if (!notify) return refuse(std::move(notify).error(), parameter);
  out.notify = *notify;
  return {};
}

Parsed<void> take_orcpt(const Parameter& parameter, Rcpt& out) {
  if (auto checked = check_orcpt(parameter.value); !checked) return refuse(std::move(checked).error(), parameter);
  out.orcpt = std::string(parameter.value);
  return {};
}

}  // namespace

Parsed<void> parse_mail_parameters(std::string_view arguments, std::size_t begin, Mail& out) {
  static constexpr std::array<Handler<Mail>, 6> kHandlers{{{"SIZE", take_size},
                                                           {"BODY", take_body},
                                                           {"SMTPUTF8", take_smtputf8},
                                                           {"RET", take_ret},
                                                           {"ENVID", take_envid},
                                                           {"AUTH", take_auth}}};
  return take_parameters(arguments, begin, kHandlers, out);
}

Parsed<void> parse_rcpt_parameters(std::string_view arguments, std::size_t begin, Rcpt& out) {
  static constexpr std::array<Handler<Rcpt>, 2> kHandlers{{{"NOTIFY", take_notify}, {"ORCPT", take_orcpt}}};
  return take_parameters(arguments, begin, kHandlers, out);
}

}  // namespace godwit::smtp
