/// Defines a struct of settings and the table of their names, help and ranges.
///
/// Each field reads `name: Type = RANGE`, preceded by a doc comment, which is also its help, and by serde
/// attributes. Fields without a range, such as whole sections, come last in `.. { … }`. The struct derives
/// serde's traits, rejects unknown keys, and has two constants: `DOC`, its own doc comment, and `SETTINGS`,
/// one [`Setting`](crate::Setting) for each field with a range. Fields and constants are as visible as the
/// struct.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $doc:literal])*
        $(#[derive($($derive:ident),*)])?
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])*
                $(#[serde($($field_serde:tt)*)])*
                $field:ident: $type:ty = $range:expr,
            )*
            $(.. {
                $(
                    $(#[doc = $part_doc:literal])*
                    $(#[serde($($part_serde:tt)*)])*
                    $part:ident: $part_type:ty,
                )*
            })?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive($($($derive,)*)? ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $vis struct $name {
            $(
                $(#[doc = $help])*
                $(#[serde($($field_serde)*)])*
                $vis $field: $type,
            )*
            $($(
                $(#[doc = $part_doc])*
                $(#[serde($($part_serde)*)])*
                $vis $part: $part_type,
            )*)?
        }

        impl $name {
            /// The struct's doc comment.
            // rustc hands over a doc comment line by line; the line breaks keep their words apart.
            $vis const DOC: &'static str = concat!($($doc, "\n"),*);
            /// The help and range of each setting.
            $vis const SETTINGS: &'static [$crate::Setting] = &[
                $($crate::Setting {
                    name: stringify!($field),
                    doc: concat!($($help, "\n"),*),
                    range: $range,
                },)*
            ];
        }
    };
}
