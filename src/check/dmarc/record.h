#pragma once
// The DMARC policy record "v=DMARC1; p=reject; ..." (RFC 9989 4.7, 4.8), with what RFC 7489 had beside it. Pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::dmarc {

enum class Policy : std::uint8_t { none, quarantine, reject };
std::string_view to_string(Policy policy);

enum class Alignment : std::uint8_t { relaxed, strict };
std::string_view to_string(Alignment alignment);  // "r", "s"

enum class PublicSuffix : std::uint8_t { unknown, yes, no };  // psd=u, y, n

struct ReportUri {
  std::string uri;                         // as it stands, without an obsolete size
  std::string mailbox;                     // of a mailto: URI, decoded, without its query; empty: another scheme, to be ignored
  std::optional<std::uint64_t> max_bytes;  // RFC 7489 6.2 "!10m", obsolete: for display
  bool operator==(const ReportUri&) const = default;
};

struct FailureOptions {  // fo=
  bool all = true;       // 0
  bool any = false;      // 1
  bool dkim = false;     // d
  bool spf = false;      // s
  bool operator==(const FailureOptions&) const = default;
};

struct Record {
  std::optional<Policy> policy;              // p=; nothing: it is missing or makes no sense
  std::optional<Policy> subdomain_policy;    // sp=
  std::optional<Policy> nonexistent_policy;  // np=
  bool faulty_policy = false;                // p= is missing, or one of the three makes no sense (RFC 9989 4.10.1)
  Alignment dkim = Alignment::relaxed;       // adkim=
  Alignment spf = Alignment::relaxed;        // aspf=
  PublicSuffix public_suffix = PublicSuffix::unknown;
  bool testing = false;  // t=y
  FailureOptions failure;
  std::vector<ReportUri> aggregate_reports;  // rua=, at most kMaxUris
  std::vector<ReportUri> failure_reports;    // ruf=
  // RFC 7489 6.3, which RFC 9989 has made historic: read for display, never applied.
  std::optional<unsigned> percent;   // pct=
  std::optional<unsigned> interval;  // ri=, seconds
  std::vector<std::string> faults;   // tags that were passed over, for the doctor: at most 20
  bool operator==(const Record&) const = default;
};

inline constexpr std::size_t kMaxRecord = 16 * 1024;
inline constexpr std::size_t kMaxUris = 20;

// RFC 9989 4.10 step 2: v= is the first tag, and DMARC1 to the letter. Other TXT records are not looked at.
bool is_dmarc_record(std::string_view text);

// Of one such record. RFC 9989 4.8: unknown tags are ignored, syntax errors give the default; so only what is_dmarc_record() refuses
// and what is beyond kMaxRecord is an error (`syntax`, `limit`). Of a tag that occurs twice the first counts.
godwit::Result<Record> parse_record(std::string_view text);

}  // namespace godwit::dmarc
