// Only mask::Masker makes a Masked; a Masked is never copied, and its Reply never changed behind it.
#include "mask/masker.h"

#include <type_traits>

using namespace sallyport;

static_assert(std::is_move_constructible_v<mask::Masked> && !std::is_default_constructible_v<mask::Masked>);
static_assert(!std::is_copy_constructible_v<mask::Masked> && !std::is_copy_assignable_v<mask::Masked>);

mask::Masked allowed(model::Reply reply) { return *mask::Masker{}.mask(std::move(reply)); }

#if OFFENDING == 1  // a Masked is made by hand => calling a private constructor of class 'sallyport::mask::Masked'
void make_masked() { mask::Masked masked(model::Reply{}); }
#endif
#if OFFENDING == 2  // a Reply is taken for a Masked => no viable conversion
mask::Masked unmasked(model::Reply reply) { return reply; }
#endif
#if OFFENDING == 3  // a Masked is copied => call to implicitly-deleted copy constructor of 'mask::Masked'
mask::Masked copy(const mask::Masked& masked) { return masked; }
#endif
#if OFFENDING == 4  // the masked octets are changed behind the Masked => drops 'const' qualifier
model::Reply& change(mask::Masked& masked) { return masked.reply(); }
#endif
