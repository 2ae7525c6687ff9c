//! Laws that are another law inside: pointers, and the named laws.

use std::sync::Arc;

use super::ScalingLaw;

/// Implements [`ScalingLaw`] for a type by the law that an expression finds inside it.
macro_rules! forward_law {
    ([$($generics:tt)*] $type:ty, $self:ident => $inner:expr) => {
        impl<$($generics)*> crate::law::ScalingLaw for $type {
            fn name(&$self) -> &str {
                $inner.name()
            }

            fn domains(&$self) -> &[String] {
                $inner.domains()
            }

            fn coordinates(&$self) -> &crate::law::Coordinates {
                $inner.coordinates()
            }

            fn loss(&$self, z: &[f64], at: crate::scale::Scale, h: &[f64]) -> f64 {
                $inner.loss(z, at, h)
            }

            fn gradient(&$self, z: &[f64], at: crate::scale::Scale, h: &[f64], out: &mut crate::law::Gradient) -> f64 {
                $inner.gradient(z, at, h, out)
            }

            fn coefficients(&$self, z: &[f64]) -> Vec<(String, f64)> {
                $inner.coefficients(z)
            }

            fn coordinates_of(&$self, coefficients: &[(&str, f64)]) -> Result<Vec<f64>, crate::error::Error> {
                $inner.coordinates_of(coefficients)
            }

            fn formula(&$self, z: &[f64]) -> String {
                $inner.formula(z)
            }

            fn settings(&$self) -> crate::law::LawSettings {
                $inner.settings()
            }

            fn start(&$self, data: &crate::law::StartData<'_>, random: &mut crate::random::Random) -> Vec<f64> {
                $inner.start(data, random)
            }

            fn prior(&$self, data: &crate::law::StartData<'_>) -> crate::law::Prior {
                $inner.prior(data)
            }

            fn dependence(&$self) -> crate::law::Dependence {
                $inner.dependence()
            }

            fn at_scale<'a>(
                &'a $self,
                z: &'a [f64],
                at: crate::scale::Scale,
                token: crate::law::sealed::Token,
            ) -> Box<dyn crate::law::MixtureFunction + 'a> {
                $inner.at_scale(z, at, token)
            }

            fn check(&$self, at: crate::scale::Scale, h: &[f64]) -> Result<(), crate::error::Error> {
                $inner.check(at, h)
            }

            fn batch<'a>(&'a $self, points: crate::law::Points<'a>) -> Box<dyn crate::law::Batch + 'a> {
                $inner.batch(points)
            }
        }
    };
}

forward_law!([L: ScalingLaw + ?Sized] &L, self => (**self));
forward_law!([L: ScalingLaw + ?Sized] Box<L>, self => (**self));
forward_law!([L: ScalingLaw + ?Sized] Arc<L>, self => (**self));

/// Declares a named law: a choice of coefficient functions for a [`PowerLaw`](super::PowerLaw).
///
/// The body turns a `PowerLawBuilder` into the finished builder. With a
/// second argument, through which it passes every [`LinearPower`](super::LinearPower), the law gets a
/// method that restricts the sign of their gamma.
macro_rules! named_law {
    (
        $(#[$doc:meta])*
        $type:ident, $name:literal, |$builder:ident| $body:expr
    ) => {
        crate::law::forward::named_law!(
            @type $(#[$doc])* $type, $name, |$builder, _power| $body
        );
    };
    (
        $(#[$doc:meta])*
        $type:ident, $name:literal, |$builder:ident, $power:ident| $body:expr
    ) => {
        crate::law::forward::named_law!(
            @type $(#[$doc])* $type, $name, |$builder, $power| $body
        );

        impl $type {
            /// The same law with gamma > 0 in every linear power; by default gamma has either sign.
            #[must_use]
            pub fn positive_gamma(self) -> Self {
                use crate::law::ScalingLaw;
                let (domains, scale) = (self.domains(), self.coordinates().scale());
                let settings = crate::law::LawSettings::new().positive_gamma();
                Self::compose(domains, scale, crate::law::LinearPower::positive_gamma, settings)
                    .expect("the law was valid before")
            }
        }
    };
    (
        @type $(#[$doc:meta])*
        $type:ident, $name:literal, |$builder:ident, $power:ident| $body:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $type(crate::law::PowerLaw);

        impl $type {
            /// The law of these domains, with this reference scale.
            ///
            /// # Errors
            /// [`Error`](crate::Error) if a domain has no name or one that appears twice, or a
            /// scale is not a positive number.
            pub fn new(
                domains: &[impl AsRef<str>],
                scale: crate::scale::Scale,
            ) -> Result<Self, crate::error::Error> {
                Self::compose(domains, scale, std::convert::identity, Default::default())
            }

            /// The law of a sweep's domains, with the geometric means of its N and D as its reference
            /// scale. Give it the rows that the law will be fitted to.
            #[must_use]
            pub fn for_sweep(sweep: &crate::sweep::Sweep) -> Self {
                Self::new(sweep.domains(), sweep.scale()).expect("a sweep's names are valid")
            }

            fn compose(
                domains: &[impl AsRef<str>],
                scale: crate::scale::Scale,
                $power: fn(crate::law::LinearPower) -> crate::law::LinearPower,
                settings: crate::law::LawSettings,
            ) -> Result<Self, crate::error::Error> {
                let $builder = crate::law::PowerLaw::builder($name, domains).scale(scale);
                $body.settings(settings).build().map(Self)
            }
        }

        crate::law::forward::forward_law!([] $type, self => self.0);
    };
}

pub(super) use {forward_law, named_law};
