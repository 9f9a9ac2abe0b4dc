#pragma once
// How much of everything one command may hold. Clients stay far below; a hostile one costs a bounded parse and no more.

#include <cstddef>

namespace godwit::imap {

inline constexpr std::size_t kMaxTag = 255;               // clients use 4 to 20 bytes; it is repeated in the reply
inline constexpr std::size_t kMaxAtom = 255;              // keywords of messages, capabilities, mechanisms: kept or logged
inline constexpr std::size_t kMaxRanges = 16'384;         // of a set: a QRESYNC client with a scattered cache sends thousands
inline constexpr std::size_t kMaxFlags = 128;             // in one APPEND message or STORE
inline constexpr std::size_t kMaxFetchItems = 256;        // clients ask for about ten
inline constexpr std::size_t kMaxPartDepth = 100;         // numbers of a section; deeper MIME is not looked into
inline constexpr std::size_t kMaxHeaderFields = 256;      // of one HEADER.FIELDS
inline constexpr std::size_t kMaxSearchKeys = 4'096;      // searching for some hundred Message-IDs is normal
inline constexpr std::size_t kMaxSearchDepth = 128;       // OR and NOT nest: libraries write "OR a OR b OR c d", a level a term
inline constexpr std::size_t kMaxSortKeys = 32;           // there are nine, each once or reversed
inline constexpr std::size_t kMaxListPatterns = 64;       // of LIST-EXTENDED
inline constexpr std::size_t kMaxOptions = 32;            // of LIST, SEARCH RETURN, STATUS, SELECT, CREATE: there are about ten each
inline constexpr std::size_t kMaxAppendMessages = 1'024;  // of MULTIAPPEND: they are kept together or not at all
inline constexpr std::size_t kMaxIdFields = 30;           // RFC 2971 3.3
inline constexpr std::size_t kMaxIdName = 30;             // RFC 2971 3.3
inline constexpr std::size_t kMaxIdValue = 1'024;         // RFC 2971 3.3
inline constexpr std::size_t kMaxQuotaLimits = 16;        // RFC 9208 knows four resources
inline constexpr std::size_t kMaxMailboxName = 1'000;     // bytes of UTF-8, all levels; also the row key in the store
inline constexpr std::size_t kMaxMailboxDepth = 64;       // levels
inline constexpr std::size_t kMaxPattern = 1'024;         // bytes of a LIST pattern with its reference
inline constexpr std::size_t kMaxQuoted = 1'000;          // what we write: RFC 2683 3.2.1.5, longer lines break clients

}  // namespace godwit::imap
