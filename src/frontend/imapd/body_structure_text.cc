#include "frontend/imapd/body_structure_text.h"

#include "frontend/imapd/envelope_text.h"
#include "frontend/imapd/number_text.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {
namespace {

using message::Part;

class Writer {
 public:
  Writer(std::string& out, const message::Structure& structure, bool extended, const imap::Dialect& dialect)
      : out_(out), structure_(structure), extended_(extended), dialect_(dialect) {}

  void body(std::uint32_t index) {
    const Part& part = structure_.parts[index];
    out_ += '(';
    if (part.kind == Part::Kind::multipart) {
      multipart(part);
    } else {
      single(part);
    }
    out_ += ')';
  }

 private:
  void string(std::string_view text) { imap::append_string(out_, text, dialect_); }
  // nstring; nothing stands for what is empty
  void filled(const std::string& text) {
    if (text.empty()) {
      out_ += "NIL";
    } else {
      string(text);
    }
  }

  // RFC 9051 7.5.2: joined pieces of RFC 2231 are one parameter; with a charset its name is "name*", and its value as it came.
  // IMAP4rev2 wants that value decoded, which a client of IMAP4rev1 would decode once more.
  void parameter(const message::Parameter& parameter) {
    string(parameter.extended ? parameter.name + "*" : parameter.name);
    out_ += ' ';
    if (parameter.extended && dialect_.rev2) {
      string(message::decoded(parameter));
    } else {
      string(parameter.value);
    }
  }
  void parameters(const std::vector<message::Parameter>& parameters) {
    if (parameters.empty()) {
      out_ += "NIL";
      return;
    }
    char before = '(';
    for (const auto& each : parameters) {
      out_ += before;
      parameter(each);
      before = ' ';
    }
    out_ += ')';
  }

  void disposition(const std::optional<message::Disposition>& disposition) {
    if (!disposition) {
      out_ += "NIL";
      return;
    }
    out_ += '(';
    string(disposition->type);
    out_ += ' ';
    parameters(disposition->parameters);
    out_ += ')';
  }
  void languages(const std::vector<std::string>& languages) {
    if (languages.size() < 2) return filled(languages.empty() ? std::string() : languages.front());
    char before = '(';
    for (const auto& each : languages) {
      out_ += before;
      string(each);
      before = ' ';
    }
    out_ += ')';
  }
  // body-fld-dsp and what stands behind it, the same for one part and many
  void extensions(const Part& part) {
    disposition(part.disposition);
    out_ += ' ';
    languages(part.languages);
    out_ += ' ';
    filled(part.location);
  }

  void multipart(const Part& part) {
    for (const auto child : part.children) body(child);
    if (part.children.empty()) {
      out_ += R"(("text" "plain" NIL NIL NIL "7bit" 0 0)";
      out_ += extended_ ? " NIL NIL NIL NIL)" : ")";
    }
    out_ += ' ';
    string(part.type.subtype);
    if (!extended_) return;
    out_ += ' ';
    parameters(part.type.parameters);
    out_ += ' ';
    extensions(part);
  }

  void media(const Part& part) {
    if (part.opaque()) {
      out_ += R"("application" "octet-stream")";
    } else {
      string(part.type.type);
      out_ += ' ';
      string(part.type.subtype);
    }
    out_ += ' ';
    // RFC 2045 5.2: what a part without a type is
    if (!part.type_given && part.type.is("text", "plain") && part.type.parameters.empty()) {
      out_ += R"(("charset" "us-ascii"))";
    } else {
      parameters(part.type.parameters);
    }
  }

  void encoding(const Part& part) {
    const bool known = part.encoding != message::TransferEncoding::unknown;
    string(known ? message::to_string(part.encoding) : std::string_view(part.encoding_name));
  }

  void embedded(const Part& part) {
    const std::uint32_t child = part.children.front();
    const auto& envelope = structure_.parts[child].envelope;
    out_ += ' ';
    append_envelope(out_, envelope ? structure_.envelopes[*envelope] : message::Envelope(), dialect_);
    out_ += ' ';
    body(child);
    lines(part);
  }
  void lines(const Part& part) {
    out_ += ' ';
    append_number(out_, part.body_lines);
  }

  void single(const Part& part) {
    media(part);
    out_ += ' ';
    filled(part.id);
    out_ += ' ';
    filled(part.description);
    out_ += ' ';
    encoding(part);
    out_ += ' ';
    append_number(out_, part.body_size());
    if (part.kind == Part::Kind::message) {
      embedded(part);
    } else if (part.type.type == "text") {
      lines(part);
    }
    if (!extended_) return;
    out_ += ' ';
    filled(part.md5);
    out_ += ' ';
    extensions(part);
  }

  std::string& out_;
  const message::Structure& structure_;
  const bool extended_;
  const imap::Dialect& dialect_;
};

}  // namespace

void append_body_structure(std::string& out, const message::Structure& structure, std::uint32_t part, bool extended,
                           const imap::Dialect& dialect) {
  Writer(out, structure, extended, dialect).body(part);
}

}  // namespace godwit::imapd
