from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "kernel"

    def ready(self) -> None:
        from kernel.access import register_grants, register_policy
        from kernel.objects import load_grants
        from kernel.policies import AmountCeilings, CountryOfAddress, WorkingHours

        register_grants(load_grants)
        for policy in (AmountCeilings(), WorkingHours(), CountryOfAddress()):
            register_policy(policy)
