#include "grammar/imap/writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/imap/cursor.h"
#include "grammar/imap/limits.h"
#include "grammar/imap/mailbox_name.h"

namespace godwit::imap {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool may_be_quoted(std::string_view text, const Dialect& dialect) {
  if (text.size() > kMaxQuoted) return false;
  const bool ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (!ascii && !(dialect.utf8() && is_utf8(text))) return false;
  return text.find_first_of("\r\n") == std::string_view::npos;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string without_nul(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (c == '\0') {
      clean += kReplacement;
    } else {
      clean += c;
    }
  }
  return clean;
}

void append_part(std::string& out, const Section& section) {
  for (std::size_t i = 0; i < section.part.size(); ++i) fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ".", section.part[i]);
}

std::string_view name_of(Section::Text text) {
  switch (text) {
    case Section::Text::header: return "HEADER";
    case Section::Text::header_fields: return "HEADER.FIELDS";
    case Section::Text::header_fields_not: return "HEADER.FIELDS.NOT";
    case Section::Text::text: return "TEXT";
    case Section::Text::mime: return "MIME";
    case Section::Text::whole: break;
  }
  return "";
}

void append_section(std::string& out, const Section& section, const Dialect& dialect) {
  out += '[';
  append_part(out, section);
  if (section.text != Section::Text::whole) {
    if (!section.part.empty()) out += '.';
    out += name_of(section.text);
  }
  if (!section.fields.empty()) {
    char before = '(';
    out += ' ';
    for (const auto& field : section.fields) {
      out += before;
      append_astring(out, field, dialect);
      before = ' ';
    }
    out += ')';
  }
  out += ']';
}

std::string_view name_of(FetchItem::Kind kind) {
  using Kind = FetchItem::Kind;
  switch (kind) {
    case Kind::envelope: return "ENVELOPE";
    case Kind::flags: return "FLAGS";
    case Kind::internal_date: return "INTERNALDATE";
    case Kind::rfc822: return "RFC822";
    case Kind::rfc822_header: return "RFC822.HEADER";
    case Kind::rfc822_text: return "RFC822.TEXT";
    case Kind::rfc822_size: return "RFC822.SIZE";
    case Kind::body_structure: return "BODYSTRUCTURE";
    case Kind::body_basic:
    case Kind::body: return "BODY";
    case Kind::binary: return "BINARY";
    case Kind::binary_size: return "BINARY.SIZE";
    case Kind::uid: return "UID";
    case Kind::modseq: return "MODSEQ";
    case Kind::email_id: return "EMAILID";
    case Kind::thread_id: return "THREADID";
    case Kind::save_date: return "SAVEDATE";
    case Kind::preview: return "PREVIEW";
  }
  return "";
}

bool has_section(const FetchItem& item) {
  using Kind = FetchItem::Kind;
  return item.kind == Kind::body || item.kind == Kind::binary || item.kind == Kind::binary_size;
}

}  // namespace

void append_string(std::string& out, std::string_view text, const Dialect& dialect) {
  if (text.contains('\0')) return append_string(out, without_nul(text), dialect);
  if (may_be_quoted(text, dialect)) return append_quoted(out, text);
  append_literal_head(out, text.size());
  out += text;
}

void append_nstring(std::string& out, std::optional<std::string_view> text, const Dialect& dialect) {
  if (!text) {
    out += "NIL";
    return;
  }
  append_string(out, *text, dialect);
}

void append_astring(std::string& out, std::string_view text, const Dialect& dialect) {
  // An atom "NIL" is read as nothing by clients that take an nstring here.
  const bool atom = !text.empty() && text.size() <= kMaxAtom && std::ranges::all_of(text, is_astring_char) && !ascii_iequals(text, "NIL");
  if (!atom) return append_string(out, text, dialect);
  out += text;
}

void append_mailbox(std::string& out, std::string_view name, const Dialect& dialect) {
  append_astring(out, write_mailbox_name(name, dialect), dialect);
}

void append_literal_head(std::string& out, std::uint64_t size, bool binary) {
  fmt::format_to(std::back_inserter(out), "{}{{{}}}\r\n", binary ? "~" : "", size);
}

void append_flags(std::string& out, const Flags& flags) { out.append("(").append(to_string(flags)).append(")"); }

void append_date_time(std::string& out, const std::optional<DateTime>& date) {
  if (!date) {
    out += "NIL";
    return;
  }
  out.append("\"").append(format_date_time(*date)).append("\"");
}

void append_item_name(std::string& out, const FetchItem& item, const Dialect& dialect) {
  out += name_of(item.kind);
  if (has_section(item)) append_section(out, item.section, dialect);
  if (item.partial) fmt::format_to(std::back_inserter(out), "<{}>", item.partial->offset);
}

std::string to_string(const FetchItem& item, const Dialect& dialect) {
  std::string out(name_of(item.kind));
  if (item.peek) out += ".PEEK";
  if (has_section(item)) append_section(out, item.section, dialect);
  if (item.partial) fmt::format_to(std::back_inserter(out), "<{}.{}>", item.partial->offset, item.partial->count);
  if (item.lazy) out += " (LAZY)";
  return out;
}

void append_code(std::string& out, std::string_view code) { fmt::format_to(std::back_inserter(out), "[{}] ", code); }

void append_code(std::string& out, std::string_view code, std::uint64_t number) {
  fmt::format_to(std::back_inserter(out), "[{} {}] ", code, number);
}

void append_code(std::string& out, std::string_view code, const NumberSet& set) {
  fmt::format_to(std::back_inserter(out), "[{} {}] ", code, set.text());
}

void append_permanent_flags_code(std::string& out, const Flags& flags, bool any) {
  std::string names = to_string(flags);
  if (any) names += names.empty() ? "\\*" : " \\*";
  fmt::format_to(std::back_inserter(out), "[PERMANENTFLAGS ({})] ", names);
}

void append_append_uid_code(std::string& out, std::uint32_t uid_validity, const NumberSet& uids) {
  fmt::format_to(std::back_inserter(out), "[APPENDUID {} {}] ", uid_validity, uids.text());
}

void append_copy_uid_code(std::string& out, std::uint32_t uid_validity, const NumberSet& from, const NumberSet& to) {
  fmt::format_to(std::back_inserter(out), "[COPYUID {} {} {}] ", uid_validity, from.text(), to.text());
}

void append_bad_charset_code(std::string& out, std::span<const std::string_view> charsets) {
  fmt::format_to(std::back_inserter(out), "[BADCHARSET ({})] ", fmt::join(charsets, " "));
}

void append_text(std::string& out, std::string_view text, const Dialect& dialect) {
  if (text.empty()) text = "-";
  const bool utf8 = dialect.utf8() && is_utf8(text);
  if (text.starts_with('[')) out += ' ';
  for (const char c : text) {
    const bool plain = c != '\r' && c != '\n' && c != '\0' && (utf8 || static_cast<unsigned char>(c) < 0x80);
    out += plain ? c : '?';
  }
}

}  // namespace godwit::imap
