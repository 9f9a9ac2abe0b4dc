#include "frontend/imapd/fetch_values.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "frontend/imapd/number_text.h"

namespace godwit::imapd {
namespace {

using Kind = imap::FetchItem::Kind;

struct FlagName {
  std::uint8_t bit;
  std::string_view name;
};
constexpr std::array<FlagName, 5> kFlagNames = {{{mailbox::kAnswered, "\\Answered"},
                                                 {mailbox::kFlagged, "\\Flagged"},
                                                 {mailbox::kDeleted, "\\Deleted"},
                                                 {mailbox::kSeen, "\\Seen"},
                                                 {mailbox::kDraft, "\\Draft"}}};

void put_two(char* at, unsigned number) {
  at[0] = static_cast<char>('0' + number / 10 % 10);
  at[1] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::vector<mailbox::UidRange> ranges_of(const std::vector<Numbered>& messages, std::size_t begin, std::size_t end) {
  std::vector<mailbox::UidRange> out;
  for (std::size_t i = begin; i < end; ++i) {
    const auto uid = messages[i].uid;
    if (!out.empty() && out.back().last + 1 == uid) {
      out.back().last = uid;
    } else {
      out.push_back({uid, uid});
    }
  }
  return out;
}

bool is_known(const mailbox::Keywords& keywords, const mailbox::MessageInfo& message) {
  return message.keywords.empty() || message.keywords.back() < keywords.names().size();
}

void append_flags_of(std::string& out, const mailbox::MessageInfo& message, const mailbox::Keywords& keywords, bool recent,
                     const imap::Dialect& dialect) {
  out += '(';
  const auto put = [&](std::string_view name) {
    if (name.empty()) return;
    if (out.back() != '(') out += ' ';
    out += name;
  };
  for (const auto& each : kFlagNames)
    if ((message.flags & each.bit) != 0) put(each.name);
  for (const auto number : message.keywords) put(keywords.name(number));
  if (recent && !dialect.rev2) put("\\Recent");  // RFC 9051 E 12: IMAP4rev2 has none
  out += ')';
}

void append_date_time(std::string& out, WallTime time) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const auto of_day = static_cast<unsigned>((seconds - day).count());
  const auto year = static_cast<unsigned>(std::clamp(static_cast<int>(date.year()), 0, 9999));
  char text[] = "\"00-Jan-0000 00:00:00 +0000\"";
  put_two(text + 1, static_cast<unsigned>(date.day()));
  if (text[1] == '0') text[1] = ' ';  // RFC 9051 9: date-day-fixed
  std::memcpy(text + 4, kMonths.data() + 3 * (static_cast<std::size_t>(static_cast<unsigned>(date.month())) - 1), 3);
  put_two(text + 8, year / 100);
  put_two(text + 10, year % 100);
  put_two(text + 13, of_day / 3600);
  put_two(text + 16, of_day / 60 % 60);
  put_two(text + 19, of_day % 60);
  out.append(text, sizeof text - 1);
}

bool is_plain(Kind kind) {
  switch (kind) {
    case Kind::flags:
    case Kind::internal_date:
    case Kind::rfc822_size:
    case Kind::uid:
    case Kind::modseq:
    case Kind::email_id:
    case Kind::save_date: return true;
    default: return false;
  }
}

void append_value(std::string& out, Kind kind, const mailbox::MessageInfo& message, const ValueContext& context) {
  switch (kind) {
    case Kind::flags:
      return append_flags_of(out, message, context.keywords, context.recent != nullptr && context.recent->contains(message.uid),
                             context.dialect);
    case Kind::internal_date: return append_date_time(out, message.received);
    case Kind::rfc822_size: return append_number(out, message.size);
    case Kind::uid: return append_number(out, message.uid);
    case Kind::modseq:
      out += '(';
      append_number(out, message.modseq);
      out += ')';
      return;
    case Kind::email_id:  // RFC 8474 5.1
      out += "(M";
      append_number(out, message.email);
      out += ')';
      return;
    case Kind::save_date:  // RFC 8514 4
      if (message.saved == WallTime{}) {
        out += "NIL";
      } else {
        append_date_time(out, message.saved);
      }
      return;
    default: return;
  }
}

}  // namespace godwit::imapd
