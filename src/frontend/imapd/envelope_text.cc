#include "frontend/imapd/envelope_text.h"

#include "grammar/imap/writer.h"

namespace godwit::imapd {
namespace {

using message::EnvelopeAddress;

// NIL for what is not there.
void append_present(std::string& out, const std::optional<std::string>& text, const imap::Dialect& dialect) {
  if (!text) {
    out += "NIL";
    return;
  }
  imap::append_string(out, *text, dialect);
}

// NIL for what is empty.
void append_filled(std::string& out, const std::string& text, const imap::Dialect& dialect) {
  if (text.empty()) {
    out += "NIL";
    return;
  }
  imap::append_string(out, text, dialect);
}

// RFC 9051 7.5.2: a NIL host begins a group, a NIL mailbox ends it; so those of a broken mailbox are "".
void append_address(std::string& out, const EnvelopeAddress& address, const imap::Dialect& dialect) {
  switch (address.kind) {
    case EnvelopeAddress::Kind::group_begin:
      out += "(NIL NIL ";
      imap::append_string(out, address.mailbox, dialect);
      out += " NIL)";
      return;
    case EnvelopeAddress::Kind::group_end: out += "(NIL NIL NIL NIL)"; return;
    case EnvelopeAddress::Kind::mailbox: break;
  }
  out += '(';
  append_filled(out, address.name, dialect);
  out += ' ';
  append_filled(out, address.route, dialect);
  out += ' ';
  imap::append_string(out, address.mailbox, dialect);
  out += ' ';
  imap::append_string(out, address.host, dialect);
  out += ')';
}

// RFC 9051 9: nothing stands between addresses.
void append_addresses(std::string& out, const std::vector<EnvelopeAddress>& addresses, const imap::Dialect& dialect) {
  if (addresses.empty()) {
    out += "NIL";
    return;
  }
  out += '(';
  for (const auto& address : addresses) append_address(out, address, dialect);
  out += ')';
}

}  // namespace

void append_envelope(std::string& out, const message::Envelope& envelope, const imap::Dialect& dialect) {
  out += '(';
  append_present(out, envelope.date, dialect);
  out += ' ';
  append_present(out, envelope.subject, dialect);
  for (const auto* addresses :
       {&envelope.from, &envelope.sender_or_from(), &envelope.reply_to_or_from(), &envelope.to, &envelope.cc, &envelope.bcc}) {
    out += ' ';
    append_addresses(out, *addresses, dialect);
  }
  out += ' ';
  append_present(out, envelope.in_reply_to, dialect);
  out += ' ';
  append_present(out, envelope.message_id, dialect);
  out += ')';
}

}  // namespace godwit::imapd
