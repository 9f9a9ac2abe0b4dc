#include "grammar/dsn/report.h"

#include <algorithm>

#include "base/clock.h"
#include "base/ip.h"
#include "base/utf8.h"
#include "grammar/dsn/address_type.h"
#include "grammar/dsn/human_part.h"
#include "grammar/dsn/original.h"
#include "grammar/dsn/wire_text.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kLongestHost = 255;
constexpr std::size_t kLongestDiagnostic = 1'500;
constexpr std::size_t kLongestEnvid = 100;  // RFC 3461 4.4: 100 characters

struct Part {
  std::string type;
  std::string_view encoding;  // "7bit", "8bit", "quoted-printable"
  std::string body;           // CRLF at the end unless empty
};

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '[' ||
         c == ']';
}

std::string host_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kLongestHost))
    if (is_host_char(c)) out += c;
  return out.empty() ? "localhost" : out;
}

// Characters that need no thought in a boundary or an id: letters, digits, and some of bchars (RFC 2046 5.1.1).
std::string safe_token(std::string_view text, std::size_t most, std::string_view otherwise) {
  std::string out;
  for (const char c : text.substr(0, most))
    if ((is_host_char(c) && c != '[' && c != ']' && c != ':') || c == '_') out += c;
  return out.empty() ? std::string(otherwise) : out;
}

// RFC 3463 2: class "." subject "." detail, of the class that the action has.
std::string status_code(const Recipient& recipient) {
  const char wanted = recipient.action == Action::failed ? '5' : recipient.action == Action::delayed ? '4' : '2';
  const std::string_view text = recipient.status;
  const std::size_t second = text.find('.', 2);
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  const bool valid = text.size() >= 5 && text[1] == '.' && second != std::string_view::npos && digits(text.substr(2, second - 2)) &&
                     digits(text.substr(second + 1));
  // a 4.x.x that was given up on stays what the remote said (RFC 3464 2.3.4 wants the reason of the last attempt)
  const bool fits = valid && (text[0] == wanted || (wanted == '5' && text[0] == '4'));
  return fits ? std::string(text) : std::string{wanted} + ".0.0";
}

// RFC 3464 2.1.2 "dns": a domain name, or an address in brackets.
std::string mta_name(std::string_view remote) {
  if (const auto endpoint = parse_endpoint(remote)) return endpoint->address.literal();
  if (const auto address = parse_ip(remote)) return address->literal();
  return one_line(remote, kLongestHost, true);
}

void append_recipient_fields(std::string& out, const Recipient& recipient) {
  out += "\r\n";
  if (!recipient.orcpt.empty()) append_field(out, "Original-Recipient", typed_orcpt(recipient.orcpt));
  append_field(out, "Final-Recipient", typed_address(recipient.address));
  append_field(out, "Action", to_string(recipient.action));
  append_field(out, "Status", status_code(recipient));
  const std::string remote = mta_name(recipient.remote_mta);
  if (!remote.empty()) append_field(out, "Remote-MTA", "dns; " + remote);
  const std::string words = one_line(recipient.diagnostic, kLongestDiagnostic, true);
  const std::string own = one_line(recipient.explanation, kLongestDiagnostic, true);
  const bool trouble = recipient.action == Action::failed || recipient.action == Action::delayed;
  if (!words.empty())
    append_field(out, "Diagnostic-Code", "smtp; " + words);
  else if (trouble && !own.empty())
    append_field(out, "Diagnostic-Code", "X-Godwit; " + own);  // RFC 3464 2.1.2: "smtp" is for words of a server alone
  if (recipient.last_attempt) append_field(out, "Last-Attempt-Date", format_rfc5322(*recipient.last_attempt));
  const std::string log_id = one_word(recipient.log_id, 100, false);
  if (!log_id.empty()) append_field(out, "Final-Log-ID", log_id);  // RFC 3464 2.3.8
  if (recipient.action == Action::delayed && recipient.will_retry_until)
    append_field(out, "Will-Retry-Until", format_rfc5322(*recipient.will_retry_until));  // RFC 3464 2.3.9: delayed only
}

// RFC 3461 6.3 (a): the very value, decoded; also its spaces where it is what ENVID may be.
void append_envid(std::string& out, std::string_view xtext) {
  const std::string envid = decode_xtext(xtext);
  const bool as_it_is = envid.size() <= kLongestEnvid && std::ranges::all_of(envid, [](char c) { return c >= ' ' && c < 0x7f; });
  if (as_it_is && envid.find_first_not_of(' ') != std::string::npos)
    out += "Original-Envelope-Id: " + envid + "\r\n";
  else if (const std::string clean = one_line(envid, kLongestEnvid, true); !clean.empty())
    append_field(out, "Original-Envelope-Id", clean);
}

// RFC 3464 2.2.4
void append_received_from(std::string& out, const ReceivedFrom& from) {
  const std::string name = one_word(from.name, kLongestHost, false);
  if (!name.empty())
    append_field(out, "Received-From-MTA", "dns; " + name + (from.address.empty() ? "" : " (" + host_name(from.address) + ")"));
}

// RFC 3464 2.2, 2.3; RFC 6533 4.1. ASCII alone unless an address or somebody's words need more.
std::string status_fields(const Input& input) {
  std::string out;
  append_envid(out, input.envid);
  append_field(out, "Reporting-MTA", "dns; " + host_name(input.reporting_mta));
  append_received_from(out, input.received_from);
  if (input.arrival) append_field(out, "Arrival-Date", format_rfc5322(*input.arrival));
  for (const Recipient& recipient : input.recipients) append_recipient_fields(out, recipient);
  return out;
}

// Chooses the encoding: as it is where that is possible, else quoted-printable. `native`: 8-bit UTF-8 may travel as it is.
Part make_part(std::string type, std::string content, bool native) {
  if (is_clean(content) && is_ascii(content)) return {std::move(type), "7bit", std::move(content)};
  if (native && is_clean(content) && is_utf8(content)) return {std::move(type), "8bit", std::move(content)};
  std::string encoded = quoted_printable(content);
  if (!encoded.empty() && !encoded.ends_with("\r\n")) encoded += "=\r\n";  // a soft break: adds nothing to the content
  return {std::move(type), "quoted-printable", std::move(encoded)};
}

// RFC 6533 4.3: the international types hold UTF-8; header fields in any other 8-bit charset are the old types' business.
Part original_part(const Input& input, std::string_view headers, bool native) {
  const bool international = !is_ascii(headers) && is_utf8(headers);
  if (input.original_is_full && input.original.size() <= kFullLimit && is_clean(input.original)) {
    std::string content(input.original);
    if (is_ascii(content)) return {"message/rfc822", "7bit", std::move(content)};
    if (international) return make_part("message/global", std::move(content), native);
    return {"message/rfc822", "8bit", std::move(content)};  // RFC 2046 5.2.1: no other encoding for message/rfc822
  }
  std::string content(headers);
  return make_part(international ? "message/global-headers" : "text/rfc822-headers", std::move(content), native && international);
}

std::string choose_boundary(const Input& input, const std::vector<Part>& parts) {
  const std::string base = safe_token(input.boundary, 50, "godwit-report");
  std::string boundary = base;
  const auto occurs = [&](const Part& part) { return part.body.find("--" + boundary) != std::string::npos; };
  for (std::size_t i = 1; std::ranges::any_of(parts, occurs); ++i) boundary = base + "-" + std::to_string(i);
  return boundary;
}

void append_header(std::string& out, const Input& input, const Report& report, std::string_view headers, std::string_view subject) {
  const std::string host = host_name(input.reporting_mta);
  append_field(out, "From", "\"Mail Delivery System\" <MAILER-DAEMON@" + host + ">");
  append_field(out, "To", "<" + one_line(input.to, 500, report.smtputf8) + ">");
  append_field(out, "Subject", report.smtputf8 ? std::string(subject) : encode_words(subject));
  append_field(out, "Date", format_rfc5322(input.date));
  append_field(out, "Message-ID", report.message_id);
  const std::string about = message_id_of(headers);
  if (!about.empty()) append_field(out, "In-Reply-To", about);  // RFC 3834 3.1.5
  if (!about.empty()) append_field(out, "References", about);
  append_field(out, "Auto-Submitted", "auto-replied");  // RFC 3834 5
  append_field(out, "MIME-Version", "1.0");
}

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::failed: return "failed";
    case Action::delayed: return "delayed";
    case Action::delivered: return "delivered";
    case Action::relayed: return "relayed";
    case Action::expanded: return "expanded";
  }
  return "failed";
}

Report build_report(const Input& input) {
  // A sender with an international address is served by SMTPUTF8 servers all the way: UTF-8 may travel as it is. To any other
  // sender RFC 6533 4.5 wants a 7-bit encoding of the same types. Which types: RFC 6533 4.4, the old ones where they lose nothing.
  const bool native = !is_ascii(input.to);
  const std::string_view headers = header_section(input.original, kHeaderLimit);

  std::vector<Part> parts;
  HumanPart words = human_part(input, headers);
  parts.push_back(make_part("text/plain; charset=utf-8", std::move(words.text), native));
  std::string status = status_fields(input);
  const bool international = !is_ascii(status);
  parts.push_back(make_part(international ? "message/global-delivery-status" : "message/delivery-status", std::move(status), native));
  parts.push_back(original_part(input, headers, native));

  Report report;
  report.smtputf8 = native;
  report.eight_bit = native || std::ranges::any_of(parts, [](const Part& part) { return part.encoding == "8bit"; });
  const std::string boundary = choose_boundary(input, parts);
  std::string& out = report.bytes;
  report.message_id = "<" + safe_token(input.message_id, 200, "report") + "@" + host_name(input.reporting_mta) + ">";
  append_header(out, input, report, headers, one_line(words.subject, 400, true));
  append_field(out, "Content-Type", "multipart/report; report-type=delivery-status; boundary=\"" + boundary + "\"");
  if (report.eight_bit) append_field(out, "Content-Transfer-Encoding", "8bit");
  for (const Part& part : parts) {
    out += "\r\n--" + boundary + "\r\n";
    append_field(out, "Content-Type", part.type);
    append_field(out, "Content-Transfer-Encoding", part.encoding);
    if (&part == &parts.front()) append_field(out, "Content-Language", words.language);  // RFC 3282 2
    out += "\r\n";
    out += part.body;
  }
  out += "\r\n--" + boundary + "--\r\n";
  return report;
}

}  // namespace godwit::dsn
