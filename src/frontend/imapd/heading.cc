#include "frontend/imapd/heading.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "frontend/imapd/derived_kinds.h"
#include "frontend/imapd/sent_date.h"
#include "grammar/message/base_subject.h"
#include "grammar/message/casemap.h"
#include "grammar/message/date.h"
#include "grammar/message/encoded_word.h"

namespace godwit::imapd {
namespace {

using mailbox::Details;

// Beyond them a record says `cut`.
constexpr std::size_t kMaxText = 1'024;
constexpr std::size_t kMaxReferences = 256;

enum Bits : std::uint16_t { kReadable = 1, kCut = 2, kReply = 4, kHasDay = 8, kHasSubject = 16, kHasId = 32 };

// A record begins with it; then come the numbers of the references, then the texts.
struct Head {
  std::uint64_t email = 0;
  std::uint64_t size = 0;
  std::int64_t received = 0;
  std::int64_t sent = 0;
  std::int64_t sent_day = 0;
  std::uint64_t base_subject_number = 0;
  std::uint64_t message_number = 0;
  std::uint16_t bits = 0;
  std::uint16_t references = 0;
  std::uint16_t subject_size = 0;  // texts: first the subject, then the msg-id, then what of the base subject is not in these
  std::uint16_t id_size = 0;
  std::uint16_t base_begin = 0;
  std::uint16_t base_size = 0;
  std::uint16_t unused[2] = {};
};

class Recorder {
 public:
  std::string make(const mailbox::MessageInfo& info, const Details* details) {
    head_.email = info.email;
    head_.size = info.size;
    head_.received = info.received.time_since_epoch().count();
    head_.sent = sent_date(info, details).time_since_epoch().count();
    if (details != nullptr) take(*details);
    std::string record(reinterpret_cast<const char*>(&head_), sizeof head_);
    record += references_;
    record += texts_;
    return record;
  }

 private:
  void take(const Details& details) {
    const auto& envelope = details.envelope;
    head_.bits |= kReadable;
    if (envelope.date) take_day(*envelope.date);
    if (envelope.subject) head_.subject_size = add_field(*envelope.subject, kHasSubject);
    if (envelope.message_id) head_.id_size = add_field(*envelope.message_id, kHasId);
    if (envelope.subject) take_base(*envelope.subject);
    if (envelope.message_id) {
      const auto ids = message::parse_message_ids(*envelope.message_id);
      if (!ids.empty()) head_.message_number = number_of(ids.front());
    }
    take_references(details.references);
  }

  void take_day(std::string_view field) {
    const auto date = message::parse_date(field);
    if (!date) return;
    const auto local = date->time + std::chrono::minutes(date->offset_minutes);
    head_.bits |= kHasDay;
    head_.sent_day = std::chrono::floor<std::chrono::days>(local).time_since_epoch().count();
  }

  std::uint16_t add_field(const std::string& raw, Bits bit) {
    head_.bits |= bit;
    const std::string text = message::casemap(message::decode_words(raw));
    if (text.size() > kMaxText) {
      head_.bits |= kCut;
      return 0;
    }
    texts_ += text;
    return static_cast<std::uint16_t>(text.size());
  }

  void take_base(const std::string& subject) {
    const auto whole = message::base_subject(subject);
    std::string text = message::casemap(whole.text);
    if (subject.size() <= kMaxThreadSubject) {
      note_thread(whole, text);
    } else {
      const auto begin = message::base_subject(std::string_view(subject).substr(0, kMaxThreadSubject));
      note_thread(begin, message::casemap(begin.text));
    }
    text.resize(std::min(text.size(), kMaxSortText));
    std::size_t at = texts_.find(text);  // most often it is the subject's end
    if (at == std::string::npos) {
      at = texts_.size();
      texts_ += text;
    }
    head_.base_begin = static_cast<std::uint16_t>(at);
    head_.base_size = static_cast<std::uint16_t>(text.size());
  }
  void note_thread(const message::BaseSubject& base, std::string_view casemapped) {
    if (!base.text.empty()) head_.base_subject_number = number_of(casemapped);
    if (base.reply_or_forward) head_.bits |= kReply;
  }

  void take_references(const std::vector<std::string>& references) {
    if (references.size() > kMaxReferences) {
      head_.bits |= kCut;
      return;
    }
    head_.references = static_cast<std::uint16_t>(references.size());
    for (const auto& each : references) {
      const std::uint64_t number = number_of(each);
      references_.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
  }

  Head head_;
  std::string references_;
  std::string texts_;
};

}  // namespace

std::uint64_t Heading::reference_at(std::size_t index) const {
  std::uint64_t number = 0;
  std::memcpy(&number, references.data() + index * sizeof number, sizeof number);
  return number;
}

std::uint64_t number_of(std::string_view text) { return std::max<std::uint64_t>(std::hash<std::string_view>()(text), 1); }

mailbox::Derivation derive_heading() {
  return {.kind = kDerivedHeading,
          .want = Details::kHeading | Details::kReferences,
          .make = [](const mailbox::MessageInfo& info, const Details* details) { return Recorder().make(info, details); }};
}

Heading read_heading(std::string_view record) {
  Head head;
  GODWIT_CHECK(record.size() >= sizeof head);
  std::memcpy(&head, record.data(), sizeof head);
  const std::size_t references = head.references * sizeof(std::uint64_t);
  const std::string_view texts = record.substr(sizeof head + references);
  Heading out;
  out.email = head.email;
  out.size = head.size;
  out.received = head.received;
  out.sent = head.sent;
  if ((head.bits & kHasDay) != 0) out.sent_day = head.sent_day;
  out.readable = (head.bits & kReadable) != 0;
  out.cut = (head.bits & kCut) != 0;
  out.reply_or_forward = (head.bits & kReply) != 0;
  if ((head.bits & kHasSubject) != 0) out.subject = texts.substr(0, head.subject_size);
  if ((head.bits & kHasId) != 0) out.message_id = texts.substr(head.subject_size, head.id_size);
  out.base_subject = texts.substr(head.base_begin, head.base_size);
  out.base_subject_number = head.base_subject_number;
  out.message_number = head.message_number;
  out.references = record.substr(sizeof head, references);
  return out;
}

}  // namespace godwit::imapd
