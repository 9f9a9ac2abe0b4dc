#include "grammar/smtp/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "base/encoding.h"
#include "grammar/smtp/parameters.h"

namespace godwit::smtp {
namespace {

constexpr std::size_t kMaxHello = 255;     // RFC 5321 4.5.3.1.2
constexpr std::size_t kMaxMechanism = 20;  // RFC 4422 3.1

struct VerbName {
  Verb verb;
  std::string_view name;
};
constexpr std::array<VerbName, 16> kVerbs{{{Verb::mail, "MAIL"},
                                           {Verb::rcpt, "RCPT"},
                                           {Verb::data, "DATA"},
                                           {Verb::ehlo, "EHLO"},
                                           {Verb::quit, "QUIT"},
                                           {Verb::rset, "RSET"},
                                           {Verb::helo, "HELO"},
                                           {Verb::auth, "AUTH"},
                                           {Verb::starttls, "STARTTLS"},
                                           {Verb::noop, "NOOP"},
                                           {Verb::bdat, "BDAT"},
                                           {Verb::vrfy, "VRFY"},
                                           {Verb::expn, "EXPN"},
                                           {Verb::help, "HELP"},
                                           {Verb::lhlo, "LHLO"},
                                           {Verb::xclient, "XCLIENT"}}};

std::unexpected<CommandError> refuse(std::string rule, std::size_t position) {
  return std::unexpected(CommandError{501, {5, 5, 4}, std::move(rule), position});
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

// "FROM:" or "TO:" and the path behind it. `end` is the offset behind the path's ">".
struct PathText {
  std::string_view path;
  std::size_t begin = 0;
  std::size_t end = 0;
};

Parsed<PathText> take_path(std::string_view arguments, std::string_view word) {
  if (!ascii_iequals(arguments.substr(0, word.size()), word)) return refuse(fmt::format("expected {}<address>", word), 0);
  PathText out;
  out.begin = word.size();
  // RFC 5321 3.3 DEVIATES: Outlook, smtp-cli and SmtpClient-for-Qt send a space after the colon
  while (out.begin < arguments.size() && arguments[out.begin] == ' ') ++out.begin;
  if (out.begin == arguments.size()) return refuse("an address in angle brackets is missing", out.begin);
  if (arguments[out.begin] != '<') return refuse("an address stands in angle brackets", out.begin);
  bool quoted = false;
  for (std::size_t i = out.begin + 1; i < arguments.size(); ++i) {
    if (arguments[i] == '"')
      quoted = !quoted;
    else if (quoted && arguments[i] == '\\')
      ++i;
    else if (!quoted && arguments[i] == '>') {
      out.end = i + 1;
      out.path = arguments.substr(out.begin, out.end - out.begin);
      return out;
    }
  }
  return refuse(quoted ? "the quoted local part has no closing quote" : "the closing > is missing", arguments.size());
}

CommandError bad_path(Error&& error, std::size_t offset, EnhancedCode enhanced) {
  return CommandError{501, enhanced, std::move(error.text), offset + error.position};
}

bool has_high(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

template <class T>
Parsed<Command> with(Verb verb, Parsed<T> parsed) {
  if (!parsed) return std::unexpected(std::move(parsed).error());
  return Command{verb, *std::move(parsed)};
}

Parsed<Command> without(Verb verb, const Parsed<void>& parsed) {
  if (!parsed) return std::unexpected(parsed.error());
  return Command{verb, std::monostate()};
}

Parsed<Command> parse_split(const CommandLine& line) {
  switch (line.verb) {
    case Verb::ehlo:
    case Verb::helo:
    case Verb::lhlo: return with(line.verb, parse_hello(line.arguments));
    case Verb::mail: return with(line.verb, parse_mail(line.arguments));
    case Verb::rcpt: return with(line.verb, parse_rcpt(line.arguments));
    case Verb::auth: return with(line.verb, parse_auth(line.arguments));
    case Verb::bdat: return with(line.verb, parse_bdat(line.arguments));
    case Verb::vrfy:
    case Verb::expn: return with(line.verb, parse_text(line.arguments));
    case Verb::data:
    case Verb::rset:
    case Verb::quit:
    case Verb::starttls: return without(line.verb, parse_nothing(line.arguments));
    case Verb::noop:
    case Verb::help:
    case Verb::xclient:
    case Verb::unknown: return Command{line.verb, Text{std::string(line.arguments)}};
  }
  return Command{};
}

}  // namespace

std::string_view to_string(Verb verb) {
  const auto* const found = std::ranges::find(kVerbs, verb, &VerbName::verb);
  return found == kVerbs.end() ? "unknown" : found->name;
}

CommandLine split_command(std::string_view line) {
  CommandLine out;
  // RFC 5321 4.1.1: trailing white space is tolerated
  line = line.substr(0, line.find_last_not_of(" \t") + 1);
  out.name = line.substr(0, std::min(line.find(' '), line.size()));
  out.offset = std::min(out.name.size() + 1, line.size());
  out.arguments = line.substr(out.offset);
  for (const auto& [verb, name] : kVerbs) {
    if (name.size() == out.name.size() && ascii_iequals(name, out.name)) {
      out.verb = verb;
      break;
    }
  }
  return out;
}

Reply CommandError::reply() const {
  if (code == 501) return {code, enhanced, fmt::format("Syntax error: {} (character {} of the argument)", rule, position + 1)};
  return {code, enhanced, rule};
}

Parsed<Hello> parse_hello(std::string_view arguments) {
  if (arguments.empty()) return refuse("a host name or an address literal is missing", 0);
  if (arguments.size() > kMaxHello) return refuse("a host name has at most 255 characters", kMaxHello);
  const auto bad = std::ranges::find_if(arguments, [](char c) { return c <= ' ' || c == 127; });  // bytes over 127 are negative
  if (bad != arguments.end())
    return refuse("a host name has printable ASCII characters only", static_cast<std::size_t>(bad - arguments.begin()));
  // RFC 5321 4.1.1.1 DEVIATES: Windows clients (Outlook) send NetBIOS names with underscores, others "[::1]"
  return Hello{std::string(arguments), parse_domain(arguments).has_value()};
}

Parsed<Mail> parse_mail(std::string_view arguments) {
  const auto where = take_path(arguments, "FROM:");
  if (!where) return std::unexpected(where.error());
  Mail out;
  auto path = parse_reverse_path(where->path);
  if (!path) return std::unexpected(bad_path(std::move(path).error(), where->begin, {5, 1, 7}));
  out.path = *std::move(path);
  if (auto parameters = parse_mail_parameters(arguments, where->end, out); !parameters)
    return std::unexpected(std::move(parameters).error());
  // RFC 6531 3.5
  if (!out.smtputf8 && has_high(where->path))
    return std::unexpected(CommandError{553, {5, 6, 7}, "An address beyond ASCII needs SMTPUTF8", where->begin});
  return out;
}

Parsed<Rcpt> parse_rcpt(std::string_view arguments) {
  const auto where = take_path(arguments, "TO:");
  if (!where) return std::unexpected(where.error());
  Rcpt out;
  out.needs_smtputf8 = has_high(where->path);
  // RFC 5321 4.1.1.3, 4.5.1: "<Postmaster>", without a domain and in any case
  if (ascii_iequals(where->path, "<postmaster>")) {
    out.postmaster = true;
  } else {
    auto path = parse_forward_path(where->path);
    if (!path) return std::unexpected(bad_path(std::move(path).error(), where->begin, {5, 1, 3}));
    out.address = *std::move(path);
  }
  if (auto parameters = parse_rcpt_parameters(arguments, where->end, out); !parameters)
    return std::unexpected(std::move(parameters).error());
  return out;
}

Parsed<Auth> parse_auth(std::string_view arguments) {
  const auto name = arguments.substr(0, std::min(arguments.find(' '), arguments.size()));
  const auto bad = std::ranges::find_if(
      name, [](char c) { return !((ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'); });
  if (name.empty() || name.size() > kMaxMechanism || bad != name.end())
    return refuse("expected the name of a SASL mechanism", static_cast<std::size_t>(bad - name.begin()));
  Auth out{upper(name), std::nullopt};
  if (name.size() == arguments.size()) return out;
  const auto encoded = arguments.substr(name.size() + 1);
  if (encoded == "=") {
    out.initial_response = "";
    return out;
  }
  auto decoded = base64_decode(encoded);
  // RFC 4954 4: 501 with 5.5.2
  if (!decoded || encoded.empty())
    return std::unexpected(CommandError{501, {5, 5, 2}, "the initial response is not base64", name.size() + 1});
  out.initial_response = *std::move(decoded);
  return out;
}

Parsed<Bdat> parse_bdat(std::string_view arguments) {
  Bdat out;
  const char* end = arguments.data() + arguments.size();
  const auto [after, error] = std::from_chars(arguments.data(), end, out.size);
  if (error != std::errc{} || after - arguments.data() > 20) return refuse("expected the size of the chunk", 0);
  const auto used = static_cast<std::size_t>(after - arguments.data());
  const auto rest = arguments.substr(used);
  out.last = ascii_iequals(rest, " LAST");
  if (!rest.empty() && !out.last) return refuse("after the size stands LAST or nothing", used);
  return out;
}

Parsed<Text> parse_text(std::string_view arguments) {
  if (arguments.empty()) return refuse("an argument is missing", 0);
  return Text{std::string(arguments)};
}

Parsed<void> parse_nothing(std::string_view arguments) {
  if (!arguments.empty()) return refuse("this command has no arguments", 0);
  return {};
}

Parsed<Command> parse_command(std::string_view line) {
  const CommandLine split = split_command(line);
  auto out = parse_split(split);
  if (!out) out.error().position += split.offset;
  return out;
}

}  // namespace godwit::smtp
