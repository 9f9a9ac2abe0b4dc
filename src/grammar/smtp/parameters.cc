#include "grammar/smtp/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::smtp {
namespace {

constexpr std::size_t kMaxEnvid = 100;  // RFC 3461 4.4
constexpr std::size_t kMaxOrcpt = 500;  // RFC 3461 4.2
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
    // RFC 5321 4.1.1.11: each keyword once
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

Parsed<void> take_ret(const Parameter& parameter, Mail& out) {
  if (ascii_iequals(parameter.value, "FULL"))
    out.ret = Ret::full;
  else if (ascii_iequals(parameter.value, "HDRS"))
    out.ret = Ret::headers;
  else
    return refuse("RET is FULL or HDRS", parameter.value_position);
  return {};
}

Parsed<void> check_xtext(const Parameter& parameter) {
  if (parameter.value.empty()) return refuse("a value is missing", parameter.value_position);
  if (auto decoded = xtext_decode(parameter.value); !decoded) return refuse(std::move(decoded).error().text, parameter.value_position);
  return {};
}

Parsed<void> take_envid(const Parameter& parameter, Mail& out) {
  if (parameter.value.size() > kMaxEnvid) return refuse("ENVID has at most 100 characters", parameter.value_position + kMaxEnvid);
  if (auto checked = check_xtext(parameter); !checked) return checked;
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
  if (auto checked = check_xtext(parameter); !checked) return checked;
  out.auth_given = true;
  return {};
}

Parsed<void> take_notify(const Parameter& parameter, Rcpt& rcpt) {
  Notify& out = rcpt.notify;
  out.given = true;
  std::string_view list = parameter.value;
  for (bool more = true; more;) {
    const auto word = list.substr(0, list.find(','));
    if (ascii_iequals(word, "NEVER"))
      out.never = true;
    else if (ascii_iequals(word, "SUCCESS"))
      out.success = true;
    else if (ascii_iequals(word, "FAILURE"))
      out.failure = true;
    else if (ascii_iequals(word, "DELAY"))
      out.delay = true;
    else
      return refuse("NOTIFY is NEVER or a list of SUCCESS, FAILURE and DELAY", parameter.value_position);
    more = word.size() < list.size();
    list.remove_prefix(std::min(word.size() + 1, list.size()));
  }
  // RFC 3461 4.1: NEVER stands alone
  if (out.never && (out.success || out.failure || out.delay)) return refuse("NOTIFY=NEVER stands alone", parameter.value_position);
  return {};
}

Parsed<void> take_orcpt(const Parameter& parameter, Rcpt& out) {
  if (parameter.value.size() > kMaxOrcpt) return refuse("ORCPT has at most 500 characters", parameter.value_position + kMaxOrcpt);
  const auto semicolon = parameter.value.find(';');
  const auto type = parameter.value.substr(0, semicolon);
  if (semicolon == std::string_view::npos || semicolon + 1 == parameter.value.size() || !is_keyword(type))
    return refuse("ORCPT is type;address", parameter.value_position);
  // RFC 6533 3: of type utf-8 the address may be unencoded UTF-8
  if (!ascii_iequals(type, "utf-8")) {
    if (auto decoded = xtext_decode(parameter.value.substr(semicolon + 1)); !decoded)
      return refuse(std::move(decoded).error().text, parameter.value_position + semicolon + 1);
  }
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

std::string xtext_encode(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";  // RFC 3461 4: upper case
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    if (c > ' ' && c < 127 && c != '+' && c != '=') {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('+');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

Result<std::string> xtext_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= ' ' || c == 127 || c == '=') return fail(Error::syntax("xtext is printable ASCII, others as +HH", i));
    if (c != '+') {
      out.push_back(c);
      continue;
    }
    const auto byte = hex_decode(text.substr(i + 1, 2));
    if (!byte || byte->empty()) return fail(Error::syntax("in xtext two hexadecimal digits follow a +", i));
    out.append(*byte);
    i += 2;
  }
  return out;
}

}  // namespace godwit::smtp
