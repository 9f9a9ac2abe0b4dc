#pragma once
// What SEARCH, SORT and THREAD want to know of a message again and again, put into one record that is kept in memory
// (state/mailbox/derived.h): texts as they are compared, dates and msg-ids as numbers. Pure functions, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "state/mailbox/derived.h"

namespace godwit::imapd {

// RFC 5256 3 DEVIATES: texts that differ only behind so many bytes count as equal, which bounds the memory.
inline constexpr std::size_t kMaxSortText = 256;
inline constexpr std::size_t kMaxThreadSubject = 1'000;  // bytes of a subject, raw

// Numbers of msg-ids and of base subjects are 64-bit hashes, 0 for none: of a mailbox of a million two are the same by chance once in 30
// million mailboxes.
struct Heading {
  mailbox::EmailId email = 0;
  std::uint64_t size = 0;
  std::int64_t received = 0;                   // milliseconds since 1970
  std::int64_t sent = 0;                       // RFC 5256 2.2: seconds since 1970
  std::optional<std::int64_t> sent_day;        // of the Date field, wherever its writer was: days since 1970
  bool readable = false;                       // else all texts are empty, and it was sent when it was received
  bool cut = false;                            // `subject`, `message_id` or `references` are left out: ask for the details
  bool reply_or_forward = false;               // RFC 5256 3
  std::optional<std::string_view> subject;     // decoded and casemapped; nothing: there is no such field
  std::optional<std::string_view> message_id;  // the same
  std::string_view base_subject;               // casemapped, kMaxSortText bytes of it
  std::uint64_t base_subject_number = 0;       // of kMaxThreadSubject bytes of the field
  std::uint64_t message_number = 0;            // of its own msg-id
  std::string_view references;                 // the numbers of those it refers to, the oldest first: reference_at()

  std::size_t reference_count() const { return references.size() / sizeof(std::uint64_t); }
  std::uint64_t reference_at(std::size_t index) const;
};

// Of a msg-id or a base subject. Never 0.
std::uint64_t number_of(std::string_view text);

mailbox::Derivation derive_heading();
// `record`: as the derivation made it. Its texts are the record's.
Heading read_heading(std::string_view record);

}  // namespace godwit::imapd
