#include "check/dmarc/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/bytes.h"

namespace godwit::dmarc {
namespace {

constexpr std::size_t kMaxFaults = 20;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Tag {
  std::string name;  // lower case
  std::string_view value;
};

// RFC 9989 4.8 dmarc-tag
std::optional<Tag> split_tag(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  Tag tag{ascii_lower(trim(text.substr(0, equals))), trim(text.substr(equals + 1))};
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto visible = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (tag.name.empty() || !std::ranges::all_of(tag.name, letter) || !std::ranges::all_of(tag.value, visible)) return std::nullopt;
  return tag;
}

std::string_view take_until(std::string_view& text, char separator) {
  const auto part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

std::optional<Policy> parse_policy(std::string_view value) {
  for (const Policy policy : {Policy::none, Policy::quarantine, Policy::reject})
    if (ascii_iequals(value, to_string(policy))) return policy;
  return std::nullopt;
}

std::optional<unsigned> parse_small(std::string_view value) {
  if (value.empty() || value.size() > 9 || !std::ranges::all_of(value, is_digit)) return std::nullopt;
  unsigned number = 0;
  for (const char c : value) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

// RFC 9989 4.8 dmarc-fo
std::optional<FailureOptions> parse_failure_options(std::string_view value) {
  FailureOptions out;
  out.all = false;
  std::set<char> seen;
  for (bool more = true; more;) {
    more = value.find(':') != std::string_view::npos;
    const auto word = trim(take_until(value, ':'));
    if (word.size() != 1 || !seen.insert(ascii_lower(word[0])).second) return std::nullopt;
    switch (ascii_lower(word[0])) {
      case '0': out.all = true; break;
      case '1': out.any = true; break;
      case 'd': out.dkim = true; break;
      case 's': out.spf = true; break;
      default: return std::nullopt;
    }
  }
  if (out.all && out.any) return std::nullopt;  // RFC 9989 4.7, fo=: mutually exclusive
  return out;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 3986 2.1; nothing where a "%" has no two digits, or stands for a control character
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

// RFC 9989 4.8 obs-dmarc-report-size: taken off the URI.
bool take_size(std::string_view& uri, std::optional<std::uint64_t>& into) {
  const std::size_t mark = uri.rfind('!');
  if (mark == std::string_view::npos) return true;
  auto size = uri.substr(mark + 1);
  uri = uri.substr(0, mark);
  int shift = 0;
  if (!size.empty() && !is_digit(size.back())) {
    constexpr std::string_view kUnits = "kmgt";
    const std::size_t unit = kUnits.find(ascii_lower(size.back()));
    if (unit == std::string_view::npos) return false;
    shift = 10 * (static_cast<int>(unit) + 1);
    size.remove_suffix(1);
  }
  const auto number = parse_small(size);
  if (number && *number < (1u << 23)) into = std::uint64_t{*number} << shift;
  return number.has_value();
}

// RFC 3986 3.1
bool is_scheme(std::string_view text) {
  const auto letter = [](char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; };
  return !text.empty() && letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

std::optional<ReportUri> parse_uri(std::string_view text) {
  ReportUri out;
  if (!take_size(text, out.max_bytes)) return std::nullopt;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon)) || text.size() == colon + 1) return std::nullopt;
  if (text.find_first_of(" \t<>\"") != std::string_view::npos) return std::nullopt;
  out.uri = std::string(text);
  if (!ascii_iequals(text.substr(0, colon), "mailto")) return out;
  // RFC 6068 2: the query is not for reports
  auto mailbox = percent_decoded(text.substr(colon + 1, text.find('?', colon) - colon - 1));
  if (!mailbox || mailbox->find('@') == std::string::npos || mailbox->front() == '@' || mailbox->back() == '@') return std::nullopt;
  out.mailbox = *std::move(mailbox);
  return out;
}

class Reader {
 public:
  explicit Reader(Record& record) : record_(record) {}

  void read(const Tag& tag) {
    if (!seen_.insert(tag.name).second) return blame(tag.name + "= occurs twice");
    if (tag.name == "p") {
      read_policy(tag, record_.policy);
    } else if (tag.name == "sp") {
      read_policy(tag, record_.subdomain_policy);
    } else if (tag.name == "np") {
      read_policy(tag, record_.nonexistent_policy);
    } else if (tag.name == "adkim") {
      read_alignment(tag, record_.dkim);
    } else if (tag.name == "aspf") {
      read_alignment(tag, record_.spf);
    } else if (tag.name == "rua") {
      read_uris(tag, record_.aggregate_reports);
    } else if (tag.name == "ruf") {
      read_uris(tag, record_.failure_reports);
    } else {
      read_flag(tag);
    }
  }

  void blame(std::string text) {
    if (record_.faults.size() < kMaxFaults) record_.faults.push_back(std::move(text));
  }

 private:
  void read_policy(const Tag& tag, std::optional<Policy>& into) {
    into = parse_policy(tag.value);
    if (into) return;
    record_.faulty_policy = true;
    blame(tag.name + "= is neither none nor quarantine nor reject");
  }

  void read_alignment(const Tag& tag, Alignment& into) {
    if (ascii_iequals(tag.value, "s"))
      into = Alignment::strict;
    else if (!ascii_iequals(tag.value, "r"))
      blame(tag.name + "= is neither r nor s");
  }

  void read_uris(const Tag& tag, std::vector<ReportUri>& into) {
    std::string_view rest = tag.value;
    while (!rest.empty()) {
      auto uri = parse_uri(trim(take_until(rest, ',')));
      if (!uri)
        blame(tag.name + "= holds what is no URI");
      else if (into.size() < kMaxUris)
        into.push_back(*std::move(uri));
    }
  }

  void read_flag(const Tag& tag) {
    const std::string value = ascii_lower(tag.value);
    if (tag.name == "psd") {
      if (value == "y") record_.public_suffix = PublicSuffix::yes;
      if (value == "n") record_.public_suffix = PublicSuffix::no;
      if (value != "y" && value != "n" && value != "u") blame("psd= is neither y nor n nor u");
    } else if (tag.name == "t") {
      record_.testing = value == "y";
      if (value != "y" && value != "n") blame("t= is neither y nor n");
    } else if (tag.name == "fo") {
      if (const auto options = parse_failure_options(tag.value))
        record_.failure = *options;
      else
        blame("fo= is no list of 0 or 1, d and s");
    } else if (tag.name == "pct") {
      record_.percent = parse_small(tag.value);
    } else if (tag.name == "ri") {
      record_.interval = parse_small(tag.value);
    }
  }

  Record& record_;
  std::set<std::string> seen_;
};

}  // namespace

std::string_view to_string(Policy policy) {
  constexpr std::array<std::string_view, 3> kNames = {"none", "quarantine", "reject"};
  return kNames[static_cast<std::size_t>(policy)];
}

std::string_view to_string(Alignment alignment) { return alignment == Alignment::strict ? "s" : "r"; }

bool is_dmarc_record(std::string_view text) {
  const auto version = split_tag(text.substr(0, text.find(';')));
  // RFC 9989 4.7, v=: the first tag, case sensitive; no white space in front of it (4.8)
  return version && version->name == "v" && version->value == "DMARC1" && text[0] != ' ' && text[0] != '\t';
}

godwit::Result<Record> parse_record(std::string_view text) {
  if (text.size() > kMaxRecord) return fail(Error::permanent(Error::Cause::limit, "the DMARC record is longer than 16 KiB"));
  if (!is_dmarc_record(text)) return fail(Error::syntax("the record does not begin with v=DMARC1", 0));
  Record record;
  Reader reader(record);
  take_until(text, ';');
  while (!text.empty()) {
    const auto part = trim(take_until(text, ';'));
    if (part.empty()) continue;
    if (const auto tag = split_tag(part))
      reader.read(*tag);
    else
      reader.blame("a tag has the form name=value");
  }
  if (!record.policy) record.faulty_policy = true;
  return record;
}

}  // namespace godwit::dmarc
